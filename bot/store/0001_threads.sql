-- Requests come in under a key that names what happened; entries are a thread's conversation, in order.
create table inbox (
    key text primary key,
    thread text not null,
    ts text not null,
    user text not null,
    direct int not null,
    body blob not null,
    closed_at real
);
create index inbox_open on inbox (thread, ts) where closed_at is null;
create index inbox_people on inbox (thread, user) where direct;

create table threads (
    id text primary key,
    epoch int not null,
    running int not null default 0,
    crashes int not null default 0
);

create table entries (
    thread text not null,
    number int not null,
    body blob not null,
    appended_at real not null,
    primary key (thread, number)
);

create table usage (
    team text not null,
    user text not null,
    tokens int not null,
    at real not null
);
create index usage_recent on usage (team, at);
