"""Every fault that the doctor knows, by its code: what was looked at, how bad it is, and what to do.

``docs/how-to/ask-the-doctor.md`` explains each; a test holds the two together. A fault is ``wrong`` where readings or
a household's rights get lost, or numbers are not what they say, without anything more happening; otherwise ``warning``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Advice(NamedTuple):
    """What is said of a fault. Words in braces are filled in."""

    name: str
    state: Literal["warning", "wrong"]
    todo: str


def _wrong(name: str, todo: str) -> Advice:
    return Advice(name, "wrong", todo)


def _warning(name: str, todo: str) -> Advice:
    return Advice(name, "warning", todo)


ADVICE: dict[str, Advice] = {
    # ------------------------------------------------------------------------------------------- settings and files
    "settings": _wrong("settings", "set it as the line says; docs/reference/settings.md has every setting"),
    "settings-unknown": _wrong("settings", "write its name as docs/reference/settings.md does, or take it away"),
    "energy": _wrong("energy", "mend the file as the line says, or leave the setting away for our own figures"),
    "site": _wrong("site", "set what belongs together: docs/reference/sign-in.md, docs/how-to/erase-a-household.md"),
    "files": _wrong("files", "make it, or let the service's user read and write it"),
    "jobs": _wrong("jobs", "set both, or neither at a production installation: docs/how-to/run-a-replay-job.md"),
    "letters": _wrong("letters", "install the fonts that are named, and run this again"),
    "bank-holidays": _wrong("bank holidays", "install a newer version of this program"),
    # ---------------------------------------------------------------------------------------------------- database
    "database": _wrong("database", "do what the line says; commands that need the database refuse until then"),
    "database-old": _wrong("database", "move to PostgreSQL 17 or newer by pg_dump and pg_restore"),
    "database-standby": _wrong("database", "name the primary in BOROUGH_DATABASE_URL"),
    "database-read-only": _wrong("database", "take default_transaction_read_only away from server, database and role"),
    "database-not-durable": _wrong(
        "database", "set {name} = on in postgresql.conf (or by alter system), for role and database too, and reload"
    ),
    "database-encoding": _wrong("database", "make a database with encoding UTF8 and restore a dump into it"),
    "database-collation": _wrong(
        "database",
        "run: reindex database; then: alter database … refresh collation version; indexes on text may miss rows",
    ),
    "database-autovacuum": _wrong("database", "set autovacuum = on, and reload"),
    "database-wraparound": _wrong(
        "database", "find what holds autovacuum back (old transactions, slots); run: vacuum freeze"
    ),
    "database-superuser": _warning(
        "database", "give the service a role of its own that owns the database and is no superuser (deploy/database.sh)"
    ),
    "database-slot": _warning("database", "bring its reader back, or: select pg_drop_replication_slot('{slot}')"),
    "database-archiver": _warning("database", "mend archive_command: the log stays on the disk until it works"),
    "database-idle": _warning("database", "end that client; while it waits nothing is cleaned up after it"),
    # --------------------------------------------------------------------------------------------------- timescale
    "timescale-lost-rows": _wrong(
        "timescale", "install TimescaleDB 2.29.2 or newer, then: alter extension timescaledb update"
    ),
    "timescale-wrong-results": _wrong(
        "timescale", "install TimescaleDB 2.29.2 or newer, then: alter extension timescaledb update"
    ),
    "timescale-apache-compressed": _wrong(
        "timescale", "set timescaledb.license = 'timescale' again, on the Community edition, and restart the server"
    ),
    "timescale-direct-compress": _wrong("timescale", "set {name} = off: below 2.29 it loses readings"),
    "timescale-columnstore": _wrong(
        "timescale", "install TimescaleDB 2.20 or newer, then: alter extension timescaledb update"
    ),
    "timescale-security": _warning(
        "timescale", "install TimescaleDB 2.29.2 or newer, then: alter extension timescaledb update"
    ),
    "timescale-buckets": _warning(
        "timescale",
        "in queries of your own group what is finer than a day in UTC, or install TimescaleDB 2.25 or newer",
    ),
    "timescale-update": _warning(
        "timescale", "in this database, as its first command: alter extension timescaledb update"
    ),
    # ------------------------------------------------------------------------------------------ clock and time zone
    "clock-database": _wrong(
        "clock", "let both machines take their time from the same servers (chrony, systemd-timesyncd)"
    ),
    "clock-database-near": _warning(
        "clock", "let both machines take their time from the same servers (chrony, systemd-timesyncd)"
    ),
    "clock-broker": _warning("clock", "let the broker's machine take its time from the same servers"),
    "clock-jumps": _wrong("clock", "look who sets this machine's clock: time should be slewed, and by one program"),
    "clock-future": _wrong("clock", "set the clock right; what was committed keeps its arrival"),
    "zone-stored": _wrong("time zone", "do what the line says"),
    "zone-shown": _wrong(
        "time zone", "restart borough serve with this setting: a running one goes on with its old one"
    ),
    "zone-unknown": _wrong("time zone", "install the server's time zones (Debian: tzdata), and restart it"),
    "zone-rules": _wrong(
        "time zone",
        "bring both to the newest release: here the package tzdata (of Python or the system), there the server's; then"
        " restart both",
    ),
    # --------------------------------------------------------------------------------------------------- retention
    "retention-contradicts": _warning("retention", "set both such that the second is the shorter, or leave it away"),
    "retention-bytes": _wrong("retention", "set BOROUGH_RETENTION_REJECTED_BYTES={days} or less"),
    "retention-columnstore": _warning("retention", "set BOROUGH_COLUMNSTORE_AFTER below the longest retention"),
    "complaints-overdue": _warning(
        "complaints", "the data protection officer acknowledges them today, on the page /data-protection/complaints"
    ),
    "retention-not-run": _wrong(
        "retention",
        "run: borough maintain, daily (cron or a timer), and look why it did not; where it ran and chunks are left,"
        " a transaction that stays open held them (pg_stat_activity shows whose)",
    ),
    # -------------------------------------------------------------------------------------------------------- disk
    "disk-full": _wrong(
        "disk", "make room or a larger disk now; shorter retention (BOROUGH_RETENTION_…) gives some back"
    ),
    "disk-filling": _warning("disk", "plan a larger disk, shorter retention or compression before that day"),
    # --------------------------------------------------------------------------------------------- queue, sessions
    "queue-nobody": _wrong(
        "queue", "start borough collect; what the broker keeps longer than the session expiry is gone"
    ),
    "queue-stuck": _wrong(
        "queue", "look at the collector's log and /health/ready: it holds the session and commits nothing"
    ),
    "queue-long": _warning(
        "queue", "see that the collector keeps up (borough_lag…), or add one by BOROUGH_MQTT_SHARED_GROUP"
    ),
    "queue-dropped": _warning(
        "queue",
        "raise the broker's max_queued_messages; borough complete shows what lacks; the count begins at its restart",
    ),
    "queue-undrained": _warning(
        "queue", "see that the collector stays connected; borough devices status tells the readings"
    ),
    "queue-none": _warning("queue", "start borough collect"),
    "session-unused": _warning(
        "sessions",
        "start a collector once with BOROUGH_MQTT_CLIENT_ID={client} (without a group) until nothing comes, or end the"
        " session at the broker: it goes on filling",
    ),
    # ------------------------------------------------------------------------------------------------------ broker
    "broker": _wrong("broker", "do what the line says; a collector waits until it is let in"),
    "broker-inflight": _warning("broker limits", "set max_inflight_messages 65535 in mosquitto.conf, and restart it"),
    "broker-packet": _wrong(
        "broker limits",
        "let the broker take at least {least} bytes (Mosquitto: max_packet_size), or lower BOROUGH_PAYLOAD_MAXIMUM",
    ),
    "broker-packet-none": _warning("broker limits", "set max_packet_size {twice}: what is larger is no sensor's"),
    "broker-expiry": _wrong(
        "broker limits",
        "let the broker keep sessions for {seconds} s at least (Mosquitto: persistent_client_expiration),"
        " or lower BOROUGH_MQTT_SESSION_EXPIRY",
    ),
    "broker-shared": _wrong("broker limits", "take BOROUGH_MQTT_SHARED_GROUP away, or another broker"),
    "broker-wildcard": _wrong("broker limits", "let the broker allow wildcard subscriptions, or take another one"),
    "broker-qos": _wrong(
        "broker limits", "let the broker allow QoS 1: below it what is lost on the way is not sent again"
    ),
    "broker-keep-alive": _wrong(
        "broker limits", "take max_keepalive out of mosquitto.conf, or install another release than Mosquitto 2.0.21"
    ),
    "broker-anonymous": _warning("broker limits", "set allow_anonymous false, with password_file and acl_file"),
    "broker-clear": _warning("broker limits", "use mqtts:// for a broker on another machine"),
    "broker-file": _wrong("broker file", "mend the line, or name the right file"),
    "broker-file-queue": _wrong("broker file", "set max_queued_messages 1000000 (150 bytes each are about 500 MB)"),
    "broker-file-queue-bytes": _wrong(
        "broker file", "set max_queued_bytes 0, or as much as the disk's share for the queue"
    ),
    "broker-file-queue-endless": _wrong(
        "broker file", "set max_queued_messages 1000000 in place of 0, or install 2.0.22"
    ),
    "broker-file-inflight": _warning("broker file", "set max_inflight_messages 65535"),
    "broker-file-persistence": _wrong(
        "broker file", "set persistence true, and persistence_location to a folder of its own"
    ),
    "broker-file-location": _wrong("broker file", "make the folder, and let the broker's user write it"),
    "broker-file-autosave": _warning("broker file", "set autosave_interval 60"),
    "broker-file-expiry": _wrong(
        "broker file", "set persistent_client_expiration to more than BOROUGH_MQTT_SESSION_EXPIRY, such as {days}d"
    ),
    "broker-file-qos0": _warning(
        "broker file", "set queue_qos0_messages true, or subscribe with QoS 1 what is sent so"
    ),
    "broker-file-keep-alive": _wrong("broker file", "take max_keepalive out, or install another release than 2.0.21"),
    "broker-file-packet": _wrong("broker file", "set max_packet_size {twice}"),
    "broker-file-anonymous": _warning("broker file", "set allow_anonymous false, with password_file and acl_file"),
    "broker-file-no-rights": _warning("broker file", "name an acl_file: borough devices credentials writes one"),
    "broker-file-unseen": _warning("broker file", "give it by --acl PATH, or run this where the broker's files are"),
    "broker-password": _wrong(
        "broker file", "run: borough devices credentials, give its password to the collector, and kill -HUP the broker"
    ),
    "rights": _wrong("broker rights", "do not put this file in place; mend the line"),
    "rights-read": _wrong(
        "broker rights",
        "do not put this file in place: at its next reload the broker would throw away what waits for the collector"
        " and count nothing. Write it by borough devices credentials with the collector's own settings",
    ),
    "rights-dropped": _warning(
        "broker rights",
        "add: topic read $SYS/broker/publish/messages/dropped; else nobody sees that the queue ran over",
    ),
    # ------------------------------------------------------------------------------------------- messages to people
    "mail-settings": _wrong("mail", "set it as the line says: docs/how-to/send-mail.md"),
    "mail-relay": _wrong("mail", "see that the relay runs and is reached from here; until then e-mails wait"),
    "mail-tls": _wrong("mail", "take smtps:// for port 465, smtp:// for 587; the relay has to offer TLS 1.2 or newer"),
    "mail-certificate": _wrong(
        "mail", "name the relay as its certificate does; one of your own authority: BOROUGH_SMTP_CA_FILE"
    ),
    "mail-auth": _wrong("mail", "set BOROUGH_SMTP_USERNAME and BOROUGH_SMTP_PASSWORD_FILE as the relay knows us"),
    "mail-sender": _wrong("mail", "let the relay take BOROUGH_MAIL_SENDER from us, or set the address that it takes"),
    "outbox-relay": _wrong("outbox", "do what the line and the log of borough deliver say; what is waiting grows old"),
    "outbox-none": _wrong("outbox", "set BOROUGH_SMTP_URL: docs/how-to/send-mail.md"),
    "outbox-late": _wrong("outbox", "start borough deliver --every 60, or look at its log"),
    "outbox-perhaps": _warning(
        "outbox", "ask the relay's log for each of borough outbox list --state perhaps; repeat those that it never had"
    ),
    "outbox-failed": _warning("outbox", "see why: borough outbox list --state failed"),
    # -------------------------------------------------------------------------------------------------- tombstones
    "tombstones-key": _wrong(
        "tombstones", "bring the key back: a collector stores nothing without it, and the broker keeps the messages"
    ),
    "tombstones-no-log": _wrong("tombstones", "set BOROUGH_TOMBSTONE_LOG to a file that no restore takes back"),
    "tombstones-log": _wrong("tombstones", "bring the log back from its copy; move another key's aside"),
    "tombstones-forgotten": _wrong(
        "tombstones", "stop the collectors and run: borough erase --again; the database is older than its erasures"
    ),
    # --------------------------------------------------------------------------------------------------- open data
    "snapshots-overdue": _warning("snapshots", "run borough publish, and look why the daily run did not"),
    "snapshots-closed": _wrong("snapshots", "run borough publish: it withdraws them; the site serves them no more"),
    "snapshots-broken": _wrong(
        "snapshots",
        "bring the files back from a backup, or: borough publish --withdraw, and borough publish makes them anew",
    ),
    "observations-waiting": _warning(
        "observations",
        "start borough announce --every 1, or run it more often, or see in its log why the broker refuses; after a week"
        " nothing more is queued",
    ),
    "observations-many": _warning(
        "observations", "see that broker and publisher keep up: the log of borough announce tells what it waits for"
    ),
    "observations-ended": _wrong(
        "observations",
        "mend what the log of borough announce says and start it; where nobody is to be told: borough announce --end",
    ),
    # ----------------------------------------------------------------------------------------------------- backups
    "backups-unset": _warning("backups", "set BOROUGH_BACKUP_FOLDER to where backups of the database come to lie"),
    "backups-none": _wrong("backups", "make one: docs/how-to/back-up-and-restore.md"),
    "backups-old": _wrong("backups", "look why the daily backup did not run"),
    "backups-empty": _wrong("backups", "look why the last backup broke off, and make one"),
    "backups-small": _warning("backups", "see whether the last backup is whole: restore it somewhere"),
    "backups-kept": _warning("backups", "delete them: they hold what was erased since"),
    "backups-key": _wrong("backups", "move the key elsewhere: who has both can try ids against the marks"),
}
