"""The rows of the table of brokers: what each is called and which question it asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.tools.brokers import collected, delivering, sessions
from tests.tools.brokers.asking import Answer, Question
from tests.tools.brokers.collected import Borough
from tests.tools.brokers.running import Broker

CollectorQuestion = Callable[[Borough, Broker], Answer]
Asked = TypeVar("Asked", Question, CollectorQuestion)


@dataclass(frozen=True, slots=True)
class Row(Generic[Asked]):
    """One row: its words in the table, the question, and its key in the file of answers."""

    words: str
    ask: Asked
    source: str = ""

    @property
    def key(self) -> str:
        """The question's name, and the source that asked."""
        return f"{self.ask.__name__}-{self.source}" if self.source else self.ask.__name__

    @property
    def meaning(self) -> str:
        """What holds where the answer is yes."""
        return " ".join((self.ask.__doc__ or "").split())


RAW: list[Row[Question]] = [
    Row("session kept while away", sessions.session_kept),
    Row("again after a reconnect", sessions.comes_again_after_a_reconnect),
    Row("again after a clean restart", sessions.comes_again_after_a_restart),
    Row("reconnects while messages come", sessions.reconnects_while_messages_come),
    Row("acknowledged stays away", sessions.acknowledged_stays_away),
    Row("acknowledged on the next connection", sessions.acknowledged_on_the_next_connection),
    Row("order of a topic", sessions.order_of_a_topic),
    Row("queue over a clean restart", sessions.queue_over_a_restart),
    Row("the same, session made with clean start", sessions.clean_start_over_a_restart),
    Row("queue over SIGKILL, at once", sessions.queue_over_a_kill),
    Row("queue over SIGKILL, 10 s later", sessions.queue_over_a_late_kill),
    Row("loss window of a SIGKILL", sessions.loss_window),
    Row("session expiry", sessions.session_expires),
    Row("session of a week", sessions.week_long_session),
    Row("takeover", sessions.taken_over),
    Row("keep-alive", sessions.silent_client_is_dropped),
    Row("retained, later subscriber", delivering.retained),
    Row("retained, live subscriber", delivering.retained_live),
    Row("retained, once a session", delivering.retained_once),
    Row("retained over a clean restart", delivering.retained_over_a_restart),
    Row("shared subscription", delivering.shared),
    Row("shared, a member away", delivering.shared_with_one_away),
    Row("message expiry", delivering.message_expires),
    Row("queue bound told", delivering.queue_is_bounded),
    Row("receive maximum", delivering.receive_maximum),
    Row("overlapping filters", delivering.overlapping_filters),
    Row("larger than the client takes", delivering.larger_than_the_client_takes),
    Row("larger than the broker takes", delivering.larger_than_the_broker_takes),
    Row("message of 3 MB", delivering.large_message),
    Row("$SYS", delivering.counts_what_it_drops),
    Row("topic that is no UTF-8", delivering.topic_that_is_no_text),
]

_BOTH = [
    ("killed twice, connection reset", collected.killed_and_cut),
    ("broker restarted cleanly", collected.broker_restarted),
    ("no time, acknowledgements lost", collected.without_a_time),
    ("no time, broker restarted", collected.without_a_time_over_a_restart),
    ("a stranger with our id", collected.stranger_with_our_id),
    ("broker frozen", collected.broker_frozen),
]
_ONE = [
    ("broker killed", collected.broker_killed),
    ("retained without a time", collected.retained_without_a_time),
    ("queue overflows", collected.queue_overflows),
    ("topic that is no UTF-8", collected.topic_that_is_no_text),
    ("three replicas, two go", collected.replicas_scaled_down),
]

COLLECTOR: list[Row[CollectorQuestion]] = [
    *(Row(f"{words}, {source}", ask, source) for words, ask in _BOTH for source in ("mqtt5", "paho")),
    *(Row(words, ask, "mqtt5") for words, ask in _ONE),
]
