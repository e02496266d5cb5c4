"""Every column of the database: gone with an erasure, or kept for a reason (docs/decisions/006-erasure.md).

A test compares this with the schema, in both directions. A new table or column is entered here by whoever adds it: in
COVERED together with the query of store/sql/erasure.sql that takes it, or in KEPT with the reason why none need.
"""

from __future__ import annotations

from typing import NamedTuple


class Kept(NamedTuple):
    """Columns of a table that an erasure leaves as they are, by name, and why it may."""

    columns: frozenset[str]
    reason: str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _kept(columns: str, reason: str) -> Kept:
    return Kept(_names(columns), reason)


#: Columns by table whose values an erasure takes where they are the household's: with their row, or overwritten.
COVERED = {
    table: _names(columns)
    for table, columns in {
        "personal.access": "id at tenancy_id account_id role action detail",
        "personal.account": "id issuer subject tenancy_id bound_at bound_by registered_at",
        "personal.alert_notice": "alert_id link_id way noted_at message_id",
        "personal.bay_day": "bay_id day quarters arrivals repeated carry_state carry_since carry_heard carry_device",
        "personal.bay_sensor": "bay_id device_id start stop",
        "personal.care_code": "code link_id contact_id made_at expires_at used_at",
        "personal.care_link": "id tenancy_id account_id kind rank carer home contact_id named_at taken_at withdrawn_at"
        " withdrawn_by",
        "personal.cell_member": "quarter home_id tenancy_id cell",
        "personal.comparison": "tenancy_id kind from_day fuel home_id own estimated_days missing_days before state"
        " reason average efficient homes tenths carbon cost tariff tariff_own revision sight",
        "personal.comparison_late": "id kind from_day fuel home_id was would_be noted_at",
        "personal.complaint": "id reference secret form received_at noted_at channel tenancy_id about text name"
        " answer_by address acknowledged_at answered_at erased_at",
        "personal.complaint_access": "id complaint_id at account_id role action",
        "personal.complaint_letter": "id complaint_id kind way text at account_id message_id",
        "personal.consent": "tenancy_id purpose given_at withdrawn_at channel",
        "personal.contact": "id channel address origin tenancy_id account_id made_at confirmed_at bounced_at bounce",
        "personal.contact_stop": "contact_id kind thread stopped_at",
        "personal.daily_use": "fuel month home_id watt_hours minutes",
        "personal.device": "id family model origin personal lon lat attributes registered_at retired_at changed",
        "personal.home": "id uprn address lon lat registered_at",
        "personal.home_details": "home_id valid_from dwelling heating heat_network floor_area bedrooms epc tenure"
        " deprivation_decile source",
        "personal.home_meter": "device_id from_day to_day home_id",
        "personal.home_sensor": "device_id from_day to_day home_id room",
        "personal.kept_file": "path kind tenancy_id made_at",
        "personal.letter": "id tenancy_id kind from_day made_at path merged_path",
        "personal.message": "id key contact_id tenancy_id kind thread origin urgency subject text html made_at"
        " due_at expires_at next_at state reason tries worker handed_at settled_at void",
        "personal.message_attempt": "message_id number at stage code enhanced answer",
        "personal.nudge": "id tenancy_id kind from_day to_day fuel facts subject text html actions made_at messages"
        " publication_id trial_id arm",
        "personal.nudge_way": "tenancy_id channel contact_id asked_at code code_until tries confirmed_at",
        "personal.quiet_alert": "id tenancy_id home_id kind device_id since usual_seconds noted_at ended_at shadow"
        " acknowledged_at acknowledged_by",
        "personal.rejected_bytes": "id bytes size",
        "personal.rejected_text": "id topic property detail",
        "personal.series": "id device_id property personal",
        "personal.session": "token account_id roles created_at seen_at expires_at",
        "personal.sign_in_code": "code tenancy_id purpose roles made_at expires_at used_at",
        "personal.stay": "bay_id arrival departure begins ends over_from over_seconds suspended_seconds",
        "personal.stop_token": "token contact_id tenancy_id kind thread made_at",
        "personal.tariff": "tenancy_id fuel from_day name payment standing_charge registers",
        "personal.tenancy": "id home_id from_day to_day name occupants electric_vehicle medical_equipment large_print"
        " letters registered_at",
        "personal.touched_home": "id home_id",
        "personal.touched_monitor": "id device_id",
        "personal.trial_member": "trial_id tenancy_id number arm listed stratum block withdrew_on running",
        "personal.usual_spell": "tenancy_id home_id day learned_at days limits begun away active",
        "personal.visit_outcome": "token bay_id arrival at account_id outcome minutes_over",
        "public.air_day": "series_id day step means captured quarters indices",
        "public.air_index_day": "device_id day index worst indices",
        "public.correction": "device reason author source content",
        "public.latest": "series_id time value arrival",
        "public.observation_queue": "id series_id time changed",
        "public.publication": "id kind reference family first_day last_day at",
        "public.reading": "series_id time value",
        "public.reading_count": "series_id span_id readings",
        "public.reading_digest": "series_id day family readings times values",
        "public.rejected": "id arrival topic family device property reason detail retried_at message more",
        "public.rejected_bytes": "id bytes size",
        "public.rejected_flood": "device hour reason family count left_out",
        "public.sequence": "device first last first_time last_time",
        "public.touched_day": "series",
        "public.superseded": "correction_id series_id time old_value new_value arrival source reason",
    }.items()
}

#: Tables of COVERED that no query of the erasure names: what the database takes with rows of ``public.rejected``, or
#: with a contact, a message or a complaint.
TAKEN_ALONG = {
    "personal.complaint_access": "foreign key, on delete cascade",
    "personal.complaint_letter": "foreign key, on delete cascade",
    "personal.message_attempt": "foreign key, on delete cascade",
    "personal.rejected_bytes": "trigger forget_rejected_bytes",
    "personal.rejected_text": "foreign key, on delete cascade",
    "public.rejected_bytes": "trigger forget_rejected_bytes",
}

#: Exceptions by table. A table of which some columns are covered can stand here with the others.
KEPT = {
    "personal.air_subscription": _kept(
        "id contact_id place lon lat whole band tell_end token asked_at confirmed_at",
        "of an address that is no tenancy's: its own link erases it, and what nobody confirmed goes after two days",
    ),
    "personal.air_episode": _kept(
        "id subscription_id begin_hour last_hour end_hour how final highest seen_hour noted_at told_at message_id"
        " end_told_at",
        "what was told to such an address; goes with its subscription",
    ),
    "personal.bay": _kept(
        "id street zone kind spaces off_street lon lat length geometry personal home_id origin from_day to_day"
        " attributes registered_at",
        "what the council marked on its street; whose it was goes with the home's row",
    ),
    "personal.bay_permit": _kept("bay_id start stop kind", "what the council allowed at a bay, without whom"),
    "personal.bay_restriction": _kept(
        "bay_id number from_day to_day days start_minute end_minute maximum_stay no_return bank_holidays event_days",
        "what the council's signs say",
    ),
    "personal.bay_suspension": _kept("bay_id start stop reason", "what the council closed"),
    "personal.cell": _kept(
        "quarter cell dwelling heating heat_network homes floor_area x y step joined reach",
        "figures of many homes, as published",
    ),
    "personal.cell_version": _kept("quarter made_at program homes", "which quarters there are"),
    "personal.comparison_run": _kept(
        "kind from_day to_day fuel quarter program published_at settled_at members", "which periods there are"
    ),
    "personal.day_zone": _kept("one zone", "the site's time zone"),
    "personal.erasure": _kept(
        "mark key_mark reference begun_at erased_at swept_at done_at words items sessions",
        "a mark; what it is searched for by is encrypted and goes when it is done",
    ),
    "personal.erasure_file": _kept("path", "what is to be removed; empty when it is done"),
    "personal.movement_gateway": _kept(
        "gateway homes since noted_at back_at", "gateways that are not heard, with how many homes stand behind each"
    ),
    "personal.programme_figure": _kept(
        "from_day fuel dwelling homes average reason made_at", "figures of many homes, as published"
    ),
    "personal.parking_record": _kept("one recorded_to rules", "how far the days of all bays are computed, and by what"),
    "personal.touched_bay": _kept("id bay_id zone", "bays to be computed again"),
    "personal.tombstone": _kept(
        "kind mark from_time to_time family model gone files_pending key_mark made_at changed",
        "marks of what was erased, by a key outside the database",
    ),
    "personal.trial": _kept(
        "id name origin fuel arms shares begins months target fixed_cost arm_costs notes power designed_at seed program"
        " strata eligible eligible_hash left_out erased assigned_at ended_on running",
        "what was designed and drawn, with counts by arm; the hash is of a list of many homes and names none",
    ),
    "personal.trial_event": _kept("id trial_id at what detail", "what was done with a trial, with figures of groups"),
    "public.absence": _kept(
        "collector back_at family lost_at drained_at messages readings", "counts of a whole family"
    ),
    "public.accounting": _kept(
        "minute collector family messages_received messages_decoded messages_ignored messages_rejected"
        " readings_decoded readings_stored readings_duplicates readings_thinned readings_rejected readings_refused"
        " readings_restated",
        "counts of a whole family",
    ),
    "public.air_record": _kept("one first_day rules", "from which day on monitors' hours are computed, by what"),
    "public.alarm": _kept(
        "id rule subject severity text mark seen_at begun_at calm_at ended_at",
        "what is wrong with the system: of families, gateways of open bays, folders",
    ),
    "public.alarm_notice": _kept(
        "alarm_id event way key made_at due_at tries told_at given_up_at problem", "whether an alarm was told"
    ),
    "public.alembic_version": _kept("version_num", "the schema's own version"),
    "public.collector": _kept("name batch outcome at formats", "counts of a collector's last batch, what it reads"),
    "public.event_day": _kept("zone day name", "days of a whole zone"),
    "public.flow_minute": _kept(
        "minute collector batches messages write_seconds write_longest database_seconds in_flight_most held_bytes_most"
        " broker_queued broker_dropped up",
        "counts and times of all that a collector took",
    ),
    "public.lag_hour": _kept("hour collector family counts", "counts of a whole family"),
    "public.lag_minute": _kept("minute collector family counts", "counts of a whole family"),
    "public.observation_publisher": _kept("one since seen_at", "since when readings are told at the broker"),
    "public.place": _kept("kind name lon lat", "postcodes and areas, as published"),
    "public.weather_day": _kept("place day celsius", "weather of places, as published"),
    "public.weather_place": _kept("name lon lat origin", "places that weather is published of"),
    "public.zone_forecast": _kept(
        "zone minutes at occupancy error persistence_error hour_of_week_error shown tested_day tested_days",
        "figures of whole zones without bays of households",
    ),
    "public.zone_day": _kept("zone day bays quarters arrivals", "figures of whole zones without bays of households"),
    "public.correction": _kept(
        "id at finished_at period_start period_end family decoder progress messages readings"
        " superseded inserted unchanged repeated thinned rejected",
        "what staff did and with what counts; whom it was about, and all that people wrote, is in the columns covered",
    ),
    "public.erased": _kept("family readings", "counts of all erasures together"),
    "public.job": _kept(
        "id kind name options files state wish asked_by asked_at started_at ended_at worker beat_at attempts furthest"
        " falls progress score problem token",
        "what engineers asked for at an installation that is none of production's; no real home's device is its target",
    ),
    "public.property": _kept("family name unit kind personal", "what families observe"),
    "public.redelivery": _kept(
        "session packet_id digest arrival rejected",
        "digests of messages, compared with one that comes again; gone once the broker has the acknowledgement",
    ),
    "public.rejected_taken": _kept(
        "id at account_id decoder family reason taken anew", "counts of a whole family, and who of the staff asked"
    ),
    "public.rejection_minute": _kept("minute collector family reason count", "counts of a whole family"),
    "public.trigger_look": _kept("name looked_at", "when causes of messages were looked at last, nobody in particular"),
    "public.relay": _kept(
        "one looked_at taken_at failing_since problem", "how the relay was reached last, in words without an address"
    ),
    "public.session_filter": _kept(
        "session broker filters",
        "topics that a collector has asked the broker for; what nobody asks for any more goes once it is unsubscribed",
    ),
    "public.counted_span": _kept("id family day days", "days of a whole family"),
    "public.touched_day": _kept("id family day", "days of a whole family"),
    "personal.unpublished_period": _kept(
        "kind from_day to_day fuel waits homes_left coverage tombstone", "how many homes of a borough are waited for"
    ),
    "public.late_month": _kept("id family month", "months of a whole family"),
    "public.snapshot_revision": _kept("dataset month revision", "numbers of what was published"),
    "public.archive_failure": _kept("collector missed at", "counts of a collector"),
    "public.watch": _kept("one looked_at", "when the rules of alarms were looked at"),
    "public.unread_property": _kept(
        "family format name devices first_seen last_seen", "names of keys that many devices send, without numbers"
    ),
}
