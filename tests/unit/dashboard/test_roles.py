"""Who may open what, how often somebody may try, and where a sign-in may lead: the rules without a server."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import roles
from dashboard.web.limits import RATES, Limits
from dashboard.web.values import local_path


def test_the_longest_beginning_counts() -> None:
    assert roles.need("/") is roles.ANYBODY
    assert roles.need("/sign-in") is roles.ANYBODY
    assert roles.need("/sign-in/code") is roles.SIGNED_IN
    assert roles.need("/sign-in/demo/{code}") is roles.ANYBODY
    assert roles.need("/home/day/{date}") is roles.ROUTES["/home"]
    assert roles.need("/api/v1/home/comparisons") is roles.ROUTES["/api/v1/home"]


@pytest.mark.parametrize(
    "path",
    [
        "/homes",
        "/home-office",
        "/api/v1/homes",
        "/api",
        "/secret",
        "/sign-inn",
        "/parking/notes",
        "/parking/x/live",
        "",
    ],
)
def test_what_the_table_does_not_name_is_not_served(path: str) -> None:
    with pytest.raises(LookupError, match="does not say who may open"):
        roles.need(path)


def test_every_role_gets_exactly_what_its_row_says() -> None:
    """Against the table read the other way round: by role, the beginnings that it opens."""
    parking = {f"/parking/{one}" for one in ("board", "queue", "patterns", "precision", "health", "wall", "events")}
    opens = {
        "resident": {"/home", "/api/v1/home"},
        "assist": {"/assist"},
        "engineer": {"/overview", "/engineer"} | parking,
        "programme": {"/programme"},
        "data-protection": {"/data-protection"},
        "parking-ops": parking,
        "carer": {"/care"},
    }
    assert set(opens) == set(roles.ROLES)
    free = {path for path, wanted in roles.ROUTES.items() if not wanted.roles}
    for held in [set(), *({role} for role in roles.ROLES), *map(set, combinations(roles.ROLES, 2))]:
        found = {
            path
            for path, wanted in roles.ROUTES.items()
            if roles.allowed(wanted, held, account=True, demo=False) and path not in free
        }
        assert found == set().union(*(opens[role] for role in held)), held


@pytest.mark.parametrize(
    ("held", "tenancy", "path"),
    [
        ((), True, "/home"), ((), False, "/sign-in/code"), (("resident",), False, "/sign-in/code"),
        (("engineer",), False, "/"), (("programme",), False, "/programme"), (("assist",), False, "/assist"),
        (("data-protection",), False, "/data-protection"), (("resident", "engineer"), False, "/"),
        (("programme", "data-protection"), False, "/"), (("engineer",), True, "/"),
        (("parking-ops",), False, "/parking/board"), (("parking-ops",), True, "/"),
        (("carer",), False, "/care"), (("carer",), True, "/"),
    ],
)  # fmt: skip
def test_everybody_lands_where_their_work_is(held: tuple[str, ...], tenancy: bool, path: str) -> None:
    assert roles.landing(held, tenancy=tenancy) == path


def test_without_an_account_no_role_helps() -> None:
    closed = {path for path, wanted in roles.ROUTES.items() if wanted != roles.ANYBODY}
    for path in closed:
        assert not roles.allowed(roles.ROUTES[path], roles.ROLES, account=False, demo=False), path
    assert closed >= {"/home", "/sign-in/code", "/sign-out", "/assist", "/programme", "/data-protection", "/overview"}


def test_a_demo_opens_the_overview_and_nothing_else() -> None:
    opened = {path for path, wanted in roles.ROUTES.items() if roles.allowed(wanted, (), account=False, demo=True)}
    assert opened == {path for path, wanted in roles.ROUTES.items() if wanted == roles.ANYBODY} | {"/overview"}


@pytest.mark.parametrize("path", ["/", "/home", "/home/day?date=2026-10-01&fuel=gas", "/a%20b"])
def test_local_paths(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "text",
    [None, "", "home", "//evil", "///evil", "/\\evil", "\\/evil", "/a\\b", "https://evil", "/a b", "/\t/evil", "/\x7f",
     "javascript:alert(1)", "/" + "x" * 500],
)  # fmt: skip
def test_what_is_no_local_path(text: str | None) -> None:
    assert local_path(text, "/start") == "/start"


@given(st.text(alphabet="/\\:@?#. \t\nevil", max_size=12))
def test_no_text_leads_away(text: str) -> None:
    found = local_path(text)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert not set(found) & set("\\ \t\n")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    clock = Clock()
    limits = Limits(clock)
    of_account, of_address = RATES["code"]
    assert [limits.take("code", 1, "a") for _ in range(of_account.burst)] == [0.0] * of_account.burst
    wait = limits.take("code", 1, "a")
    assert wait == pytest.approx(of_account.seconds / of_account.burst)
    clock.now += wait + 0.001
    assert limits.take("code", 1, "a") == 0.0
    assert limits.take("code", 1, "a") > 0.0
    # what was refused did not count: of the address's 20 are 5 gone, 4 came in 180 s, one more is gone
    left = 18
    assert of_address.burst == 20
    assert [limits.take("code", None, "a") for _ in range(left)] == [0.0] * left
    assert limits.take("code", 2, "a") > 0.0
    assert limits.take("code", 2, "b") == 0.0
    # another kind is another bucket
    assert limits.take("sign-in", 1, "a") == 0.0


def test_an_account_that_comes_from_everywhere_is_limited_too() -> None:
    limits = Limits(Clock())
    found = [limits.take("code", 7, f"address {number}") for number in range(20)]
    assert found.count(0.0) == RATES["code"][0].burst


def test_memory_is_bounded() -> None:
    limits = Limits(Clock(), most=10)
    for number in range(100):
        assert limits.take("code", None, f"{number}") == 0.0
    assert len(limits._buckets) == 10


@given(st.lists(st.floats(0, 400), max_size=60))
def test_never_more_than_the_burst_and_what_time_brought(gaps: list[float]) -> None:
    clock = Clock()
    limits = Limits(clock)
    taken = 0
    for gap in gaps:
        clock.now += gap
        taken += limits.take("code", 1, "a") == 0.0
    rate = RATES["code"][0]
    assert taken <= rate.burst + sum(gaps) * rate.burst / rate.seconds + 1e-6
