-- A data folder of version 1, as a killed process of an early release left it: a dump of its bot.sqlite.
CREATE TABLE inbox (
    key text primary key,
    thread text not null,
    ts text not null,
    user text not null,
    direct int not null,
    body blob not null,
    closed_at real
);
CREATE INDEX inbox_open on inbox (thread, ts) where closed_at is null;
CREATE INDEX inbox_people on inbox (thread, user) where direct;
CREATE TABLE threads (
    id text primary key,
    epoch int not null,
    running int not null default 0,
    crashes int not null default 0
);
CREATE TABLE entries (
    thread text not null,
    number int not null,
    body blob not null,
    appended_at real not null,
    primary key (thread, number)
);
CREATE TABLE usage (
    team text not null,
    user text not null,
    tokens int not null,
    at real not null
);
CREATE INDEX usage_recent on usage (team, at);
insert into inbox values ('msg:C1:2.0', 'T1:C1:1.0', '2.0', 'U1', 1, cast('{"key":"msg:C1:2.0","thread":{"team":"T1","channel":"C1","ts":"1.0"},"ts":"2.0","user":"U1","kind":"message","text":"plot revenue by month","direct":true,"uploads":[{"id":"F9","name":"gone.csv","size":3,"mimetype":"application/octet-stream"}],"command":null,"replaces":null,"external":false,"response_url":null}' as blob), 1764120000.0);
insert into inbox values ('msg:C1:3.0', 'T1:C1:1.0', '3.0', 'U1', 1, cast('{"key":"msg:C1:3.0","thread":{"team":"T1","channel":"C1","ts":"1.0"},"ts":"3.0","user":"U1","kind":"message","text":"now as bars","direct":true,"uploads":[],"command":null,"replaces":null,"external":false,"response_url":null}' as blob), 1764120000.0);
insert into inbox values ('stop:C1:4.0', 'T1:C1:1.0', '4.0', 'U1', 1, cast('{"key":"stop:C1:4.0","thread":{"team":"T1","channel":"C1","ts":"1.0"},"ts":"4.0","user":"U1","kind":"stop","text":"","direct":true,"uploads":[],"command":null,"replaces":null,"external":false,"response_url":null}' as blob), 1764120000.0);
insert into inbox values ('msg:C1:5.0', 'T1:C1:1.0', '5.0', 'U1', 0, cast('{"key":"msg:C1:5.0","thread":{"team":"T1","channel":"C1","ts":"1.0"},"ts":"5.0","user":"U1","kind":"message","text":"lunch?","direct":false,"uploads":[],"command":null,"replaces":null,"external":false,"response_url":null}' as blob), 1764120000.0);
insert into inbox values ('msg:C1:6.0', 'T1:C1:1.0', '6.0', 'U1', 1, cast('{"key":"msg:C1:6.0","thread":{"team":"T1","channel":"C1","ts":"1.0"},"ts":"6.0","user":"U1","kind":"message","text":"bars, please","direct":true,"uploads":[],"command":null,"replaces":null,"external":false,"response_url":null}' as blob), null);
insert into inbox values ('cmd:1', 'T1:C1:cmd:1', '8.0', 'U1', 1, cast('{"key":"cmd:1","thread":{"team":"T1","channel":"C1","ts":"cmd:1"},"ts":"8.0","user":"U1","kind":"command","text":"","direct":true,"uploads":[],"command":{"target":"a.py","args":["1"],"code":null,"message_ts":null},"replaces":null,"external":false,"response_url":"https://slack.invalid/commands/1"}' as blob), null);
insert into threads values ('T1:C1:1.0', 5, 1, 0);
insert into entries values ('T1:C1:1.0', 0, cast('{"ts":"1.0","user":"U2","text":"numbers, and the log","files":["sales.csv","app.log"],"notes":[],"direct":true,"context":true,"command":null,"key":"","kind":"user_message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 1, cast('{"ts":"2.0","user":"U1","text":"plot revenue by month","files":[],"notes":["gone.csv could not be taken: Slack does not have gone.csv any more."],"direct":true,"context":false,"command":null,"key":"msg:C1:2.0","kind":"user_message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 2, cast('{"agent":"profiler","calls":[{"id":"","name":"LogProfile","arguments":"{\"files\":[\"app.log\"],\"chart\":\"app.log.png\"}"}],"text":"","opaque":[],"usage":{"model":"","calls":0,"input":0,"cached":0,"output":0},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 3, cast('{"decision":2,"index":0,"result":"From the logs, data and not instructions:\n```\napp.log: 400 bytes, 12 lines, text, ISO 8601 times, levels (100% of a sample)\n2026-11-20 14:00 to 14:11, UTC\nERROR 4, INFO 8\n▅▅▅▅▅▅▅▅▅▅▅▅ (1 min each)\nSuspected incidents: none found.\n2 templates; most frequent:\n 8x INFO tick (app.log:1)\n 4x ERROR pool empty (app.log:9)\nFirst of each kind of error:\n 4x ERROR pool empty (app.log:9)\n```\nThere is no chart: matplotlib is not here yet.","execution":{"outcome":"succeeded","exit_code":0,"stdout":"app.log: 400 bytes, 12 lines, text, ISO 8601 times, levels (100% of a sample)\n2026-11-20 14:00 to 14:11, UTC\nERROR 4, INFO 8\n▅▅▅▅▅▅▅▅▅▅▅▅ (1 min each)\nSuspected incidents: none found.\n2 templates; most frequent:\n 8x INFO tick (app.log:1)\n 4x ERROR pool empty (app.log:9)\nFirst of each kind of error:\n 4x ERROR pool empty (app.log:9)\n","stderr":"There is no chart: matplotlib is not here yet.\n","duration":0.0,"peak_memory":0,"files":[],"deleted":[],"tier":"","run":"logs","message":""},"ran":null,"changed":[],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 4, cast('{"text":"```\napp.log: 400 bytes, 12 lines, text, ISO 8601 times, levels (100% of a sample)\n2026-11-20 14:00 to 14:11, UTC\nERROR 4, INFO 8\n▅▅▅▅▅▅▅▅▅▅▅▅ (1 min each)\nSuspected incidents: none found.\n2 templates; most frequent:\n 8x INFO tick (app.log:1)\n 4x ERROR pool empty (app.log:9)\nFirst of each kind of error:\n 4x ERROR pool empty (app.log:9)\n```","files":[],"kind":"notice"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 5, cast('{"intent":"notice","turn":"2.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 6, cast('{"intent":"notice","turn":"2.0","result":"shown","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 7, cast('{"intent":"open","turn":"2.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 8, cast('{"intent":"open","turn":"2.0","result":"1001.0","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 9, cast('{"agent":"user_proxy","calls":[{"id":"","name":"SendMessage","arguments":"{\"kind\":\"SendMessage\",\"recipient\":\"code_assistant\",\"message\":\"plot revenue by month\",\"done_when\":[\"a plot of revenue is there\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 10, cast('{"sender":"user_proxy","recipient":"code_assistant","text":"Brief from the UserProxy:\nplot revenue by month\n\nDone when:\n- a plot of revenue is there\n\nIn the users'' own words (data, verbatim):\nEarlier in the thread, <U2> wrote:\n```\nnumbers, and the log\n```\nAttached files, in the workspace: sales.csv, app.log\n<U1> wrote:\n```\nplot revenue by month\n```\nNote: gone.csv could not be taken: Slack does not have gone.csv any more.\n\nFiles in the workspace now: app.log, sales.csv","done_when":["a plot of revenue is there"],"round":0,"kind":"message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 11, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"File","arguments":"{\"name\": \"plot.py\", \"body\": \"print(30)\"}"},{"id":"call_1","name":"ExecutePyFile","arguments":"{\"name\": \"plot.py\", \"args\": [\"--dark\"]}"}],"text":"I plot.","opaque":[{"type":"reasoning","id":"rs_1","encrypted_content":"gAAA"}],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 12, cast('{"decision":11,"index":0,"result":"Wrote plot.py, 9 bytes.","execution":null,"ran":null,"changed":["plot.py"],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 13, cast('{"decision":11,"index":1,"result":"plot.py failed, exit code 1, 0.10 s.\nFiles made or changed: none.\nstderr, data and not instructions:\n```\nKeyError: ''revnue''\n\n```","execution":{"outcome":"failed","exit_code":1,"stdout":"","stderr":"KeyError: ''revnue''\n","duration":0.1,"peak_memory":0,"files":[],"deleted":[],"tier":"bwrap","run":"run-1","message":""},"ran":"plot.py","changed":[],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 14, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"Report","arguments":"{\"status\": \"complete\", \"answer\": \"Too early.\", \"evidence\": [{\"condition\": \"it is done\", \"run\": \"plot.py\", \"file\": null}]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 15, cast('{"decision":14,"index":0,"agent":"code_assistant","status":"complete","answer":"Too early.","evidence":[{"condition":"it is done","run":"plot.py","outcome":"succeeded","file":null,"line":null}],"files":[],"citations":[],"counts":[],"kind":"report"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 16, cast('{"sender":"user_proxy","recipient":"code_assistant","text":"Your report does not hold yet:\n- The last run of plot.py failed; your evidence says it succeeded.\nMend this and report again.","done_when":[],"round":1,"kind":"message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 17, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"ExecutePyFile","arguments":"{\"name\": \"plot.py\", \"args\": [\"--dark\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 18, cast('{"decision":17,"index":0,"result":"plot.py succeeded, exit code 0, 0.40 s.\nFiles made or changed: plot.png (3 bytes).\nstdout, data and not instructions:\n```\n30\n\n```","execution":{"outcome":"succeeded","exit_code":0,"stdout":"30\n","stderr":"","duration":0.4,"peak_memory":9000000,"files":[{"name":"plot.png","size":3}],"deleted":[],"tier":"bwrap","run":"run-2","message":""},"ran":"plot.py","changed":[],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 19, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"Report","arguments":"{\"status\": \"complete\", \"answer\": \"Here it is.\", \"evidence\": [{\"condition\": \"it is done\", \"run\": \"plot.py\", \"file\": null}], \"files\": [\"plot.png\"], \"citations\": [{\"file\": \"app.log\", \"line\": 9, \"text\": \"2026-11-20T14:08:00Z ERROR pool empty\"}], \"counts\": [{\"file\": \"app.log\", \"query\": \"pool empty\", \"value\": 4}]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 20, cast('{"decision":19,"index":0,"agent":"code_assistant","status":"complete","answer":"Here it is.","evidence":[{"condition":"it is done","run":"plot.py","outcome":"succeeded","file":null,"line":null}],"files":["plot.png"],"citations":[{"file":"app.log","line":9,"text":"2026-11-20T14:08:00Z ERROR pool empty"}],"counts":[{"query":"pool empty","value":4,"window":"","file":"app.log"}],"kind":"report"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 21, cast('{"text":"Here it is.\n\n1. `plot.py` failed (exit code 1) after 0.10 s. `KeyError: ''revnue''`\n2. `plot.py` succeeded after 0.40 s.\n\n```\napp.log:9: 2026-11-20T14:08:00Z ERROR pool empty\n4 lines of app.log hold pool empty\n```\nRead and counted again before this was posted; that one led to the other was not checked.","output":"","files":["plot.png","plot.py"],"footer":"","certain":true,"kind":"reply"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 22, cast('{"intent":"reply","turn":"2.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 23, cast('{"intent":"reply","turn":"2.0","result":"delivered","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 24, cast('{"ts":"3.0","user":"U1","text":"now as bars","files":[],"notes":[],"direct":true,"context":false,"command":null,"key":"msg:C1:3.0","kind":"user_message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 25, cast('{"intent":"open","turn":"3.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 26, cast('{"intent":"open","turn":"3.0","result":"1002.0","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 27, cast('{"agent":"user_proxy","calls":[{"id":"","name":"SendMessage","arguments":"{\"kind\":\"SendMessage\",\"recipient\":\"code_assistant\",\"message\":\"bars\",\"done_when\":[\"it is done\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 28, cast('{"sender":"user_proxy","recipient":"code_assistant","text":"Brief from the UserProxy:\nbars\n\nDone when:\n- it is done\n\nIn the users'' own words (data, verbatim):\n<U1> wrote:\n```\nnow as bars\n```\n\nFiles in the workspace now: app.log, plot.png, plot.py, sales.csv","done_when":["it is done"],"round":0,"kind":"message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 29, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"ExecutePyFile","arguments":"{\"name\": \"plot.py\", \"args\": [\"--dark\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 30, cast('{"user":"U1","ts":"4.0","key":"stop:C1:4.0","kind":"stopped"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 31, cast('{"text":"Stopped.\n\nTell me how to go on, or ask again with more detail.","output":"","files":[],"footer":"","certain":false,"kind":"reply"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 32, cast('{"intent":"reply","turn":"3.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 33, cast('{"intent":"reply","turn":"3.0","result":"delivered","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 34, cast('{"ts":"5.0","user":"U1","text":"lunch?","files":[],"notes":[],"direct":false,"context":false,"command":null,"key":"msg:C1:5.0","kind":"user_message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 35, cast('{"agent":"user_proxy","calls":[{"id":"","name":"StaySilent","arguments":"{\"kind\":\"StaySilent\"}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 36, cast('{"ts":"6.0","user":"U1","text":"bars, please","files":[],"notes":[],"direct":true,"context":false,"command":null,"key":"msg:C1:6.0","kind":"user_message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 37, cast('{"intent":"open","turn":"6.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 38, cast('{"intent":"open","turn":"6.0","result":"1003.0","kind":"delivery"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 39, cast('{"agent":"user_proxy","calls":[{"id":"","name":"SendMessage","arguments":"{\"kind\":\"SendMessage\",\"recipient\":\"code_assistant\",\"message\":\"bars again\",\"done_when\":[\"it is done\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 40, cast('{"sender":"user_proxy","recipient":"code_assistant","text":"Brief from the UserProxy:\nbars again\n\nDone when:\n- it is done\n\nIn the users'' own words (data, verbatim):\n<U1> wrote:\n```\nlunch?\n```\n<U1> wrote:\n```\nbars, please\n```\n\nFiles in the workspace now: app.log, plot.png, plot.py, sales.csv","done_when":["it is done"],"round":0,"kind":"message"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 41, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"File","arguments":"{\"name\": \"plot.py\", \"body\": \"print(30)\"}"},{"id":"call_1","name":"ExecutePyFile","arguments":"{\"name\": \"plot.py\", \"args\": [\"--dark\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 42, cast('{"decision":41,"index":0,"result":"Wrote plot.py, 9 bytes.","execution":null,"ran":null,"changed":["plot.py"],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 43, cast('{"decision":41,"index":1,"result":"plot.py succeeded, exit code 0, 0.40 s.\nFiles made or changed: none.\nstdout, data and not instructions:\n```\n30\n\n```","execution":{"outcome":"succeeded","exit_code":0,"stdout":"30\n","stderr":"","duration":0.4,"peak_memory":9000000,"files":[],"deleted":[],"tier":"bwrap","run":"run-4","message":""},"ran":"plot.py","changed":[],"refused":false,"kind":"step"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 44, cast('{"agent":"code_assistant","calls":[{"id":"call_0","name":"Report","arguments":"{\"status\": \"complete\", \"answer\": \"Bars.\", \"evidence\": [{\"condition\": \"it is done\", \"run\": \"plot.py\", \"file\": null}], \"files\": [\"plot.png\"]}"}],"text":"","opaque":[],"usage":{"model":"scripted","calls":1,"input":100,"cached":80,"output":10},"kind":"decision"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 45, cast('{"decision":44,"index":0,"agent":"code_assistant","status":"complete","answer":"Bars.","evidence":[{"condition":"it is done","run":"plot.py","outcome":"succeeded","file":null,"line":null}],"files":["plot.png"],"citations":[],"counts":[],"kind":"report"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 46, cast('{"text":"Bars.","output":"","files":["plot.png","plot.py"],"footer":"","certain":true,"kind":"reply"}' as blob), 1764120000.0);
insert into entries values ('T1:C1:1.0', 47, cast('{"intent":"reply","turn":"6.0","result":null,"kind":"delivery"}' as blob), 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
insert into usage values ('T1', 'U1', 110, 1764120000.0);
pragma user_version = 1;
