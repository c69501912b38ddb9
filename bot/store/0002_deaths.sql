-- `crashes` counts errors of ours in the open turn, `deaths` the ends of the whole process while the turn was at work; both
-- since its last new entry. Until `rest_until` (Unix time) only its inbox is looked at.
alter table threads add column deaths int not null default 0;
alter table threads add column rest_until real not null default 0;
