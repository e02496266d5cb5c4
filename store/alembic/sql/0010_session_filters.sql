-- What each session may be subscribed to at a broker, so that what the subscriptions file no longer has is unsubscribed.

create table public.session_filter (
    session text not null,
    broker text not null,
    filters text[] not null,
    primary key (session, broker)
);
comment on table public.session_filter is
    'Topic filters that a session may have at a broker (host:port): written before they are subscribed, taken away once the broker has unsubscribed them.';
