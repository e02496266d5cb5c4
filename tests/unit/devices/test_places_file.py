"""Files of postcodes and areas, as the Office for National Statistics gives them out."""

from __future__ import annotations

import pytest

from devices.places_file import TOLD, Place, PlacesFile, is_outward, is_postcode
from devices.registry import RegistryError

_DIRECTORY = "pcd,pcd2,pcds,dointr,doterm,usertype,oseast1m,lat,long\r\n"


def read(text: str) -> tuple[PlacesFile, list[Place], list[str]]:
    file = PlacesFile(text.splitlines(keepends=True))
    parts = list(file.parts())
    return file, [place for part in parts for place in part.places], [code for part in parts for code in part.ended]


def test_a_directory_as_it_comes() -> None:
    file, places, ended = read(
        f"{_DIRECTORY}"
        '"AB1 0AA","AB1  0AA","AB1 0AA","198001","199606","0","385386",57.101474,-2.242851\r\n'
        '"N1  1AA","N1   1AA","N1 1AA","198001","","0","531000",51.533,-0.1\r\n'
        '"GIR0AA","GIR  0AA","GI1 0AA","199603","","1","",99.999999,0.000000\r\n'
        '"JE2 3AB","JE2  3AB","JE2 3AB","199603","","0","",,\r\n'
    )
    assert file.kind == "postcode"
    assert places == [Place("N11AA", -0.1, 51.533)]
    assert ended == ["AB10AA"]
    assert (file.lines, file.ended, file.unplaced, file.problems) == (4, 1, 2, [])


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("\ufeffPCDS,DOTERM,LAT,LONG", "N1 1AA,,51.5,-0.1"),
        ("pcd7,pcd8,pcds,doterm,lat,long", "N1  1AA,N1   1AA,N1 1AA,,51.5,-0.1"),
        ("pcd,lat,long", "N1  1AA,51.5,-0.1"),
        ("long,lat,pcd8", "-0.1,51.5,N1   1AA"),
    ],
)
def test_the_columns_of_other_years(header: str, row: str) -> None:
    assert read(f"{header}\n{row}\n")[1] == [Place("N11AA", -0.1, 51.5)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("BUA24CD,BUA24NM,BUA24NMW,BNG_E,BNG_N,LONG,LAT,GlobalID", 'E63,"Ely, Isle of",,1,2,0.26,52.4,x'),
        ("FID,WD25CD,WD25NM,WD25NMW,LAD25NM,LAT,LONG", '1,E05,"Ely, Isle of", ,Fenland,52.4,0.26'),
        ("FID,PAR23CD,PAR23NM,LAT,LONG", '1,E04,"Ely, Isle of",52.4,0.26'),
    ],
)
def test_lists_of_areas(header: str, row: str) -> None:
    file, places, _ = read(f"{header}\n{row}\n")
    assert file.kind == "area"
    assert places == [Place("Ely, Isle of", 0.26, 52.4)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: is empty"),
        ("a;b;c\n", "line 1: does not name a postcode"),
        ("pcds,doterm\n", "line 1: does not name LAT, nor LONG"),
        ("BUA24NMW,LAT,LONG\n", "line 1: does not name a postcode"),
        ('"pcds,lat,long\n', "line 1: is not CSV"),
    ],
)
def test_a_file_that_is_none(text: str, said: str) -> None:
    with pytest.raises(RegistryError) as refused:
        PlacesFile(text.splitlines(keepends=True))
    assert str(refused.value).startswith(said)


def test_every_problem_is_told_with_its_line() -> None:
    file, places, _ = read(
        "pcds,lat,long\nN1 1AA,51.5,-0.1\nN1,51.5,-0.1\n\nN1 1AB,51.5\nN1 1AC,north,-0.1\nN1 1AD,51.5,200\n"
        "N1 1AE,nan,0\n"
    )
    assert [str(problem) for problem in file.problems] == [
        "line 3: 'N1' is no postcode",
        "line 5: has 2 fields, the first line names 3 columns",
        "line 6: 'north', '-0.1' are no latitude and longitude",
        "line 7: 51.5, 200 is no place on Earth",
        "line 8: nan, 0 is no place on Earth",
    ]
    assert [place.name for place in places] == ["N11AA"]
    file, _, _ = read(f"BUA24NM,LAT,LONG\n,51.5,0\nA\u202eB,51.5,0\n{'x' * 500},51.5,0\n")
    assert [problem.where for problem in file.problems] == ["line 2", "line 3", "line 4"]


def test_of_very_many_problems_the_first_are_told() -> None:
    file, _, _ = read("pcds,lat,long\n" + "nowhere,1,2\n" * 1_000)
    assert len(file.problems) == TOLD
    assert file.wrong == 1_000


def test_a_break_in_the_middle_is_told() -> None:
    file, places, _ = read('pcds,lat,long\nN1 1AA,51.5,-0.1\n"N1 1AB,51.5,-0.1\n')
    assert [place.name for place in places] == ["N11AA"]
    assert "is not CSV" in str(file.problems[0])


def test_it_comes_in_parts() -> None:
    lines = ["pcds,lat,long\n", *(f"N{n % 90 + 1} {n % 10}AA,51.5,-0.1\n" for n in range(50_000))]
    sizes = [len(part.places) for part in PlacesFile(iter(lines)).parts()]
    assert sizes == [20_000, 20_000, 10_000]


@pytest.mark.parametrize(
    ("text", "whole", "outward"),
    [
        ("sw1a 1aa", True, False), ("SW1A1AA", True, False), (" n1  1aa ", True, False), ("SW1A", False, True),
        ("n1", False, True), ("N1 1", False, False), ("Mill Lane", False, False), ("", False, False),
        ("1AA", False, False),
    ],
)  # fmt: skip
def test_what_is_a_postcode(text: str, whole: bool, outward: bool) -> None:
    assert is_postcode(text) == whole
    assert is_outward(text) == outward
