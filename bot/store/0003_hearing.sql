-- `ts` is that of the newest message heard in a channel: what is newer was missed. A channel '' stands for all others.
create table heard (
    channel text primary key,
    ts text not null
);

-- Deletions that came before the message they remove, each kept for a day after it came `at` (Unix time).
create table deletions (
    channel text not null,
    ts text not null,
    at real not null,
    primary key (channel, ts)
);
