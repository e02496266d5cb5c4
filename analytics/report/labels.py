"""What fuels, homes, heating and tenures are called, once for all who say it: pages, letters, sentences of a report.

The words that are stored (`devices.homes`) are the keys, in their order, which is that of a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Label(NamedTuple):
    """One thing in the words of each place where it is named."""

    #: On a page: a heading, or one of the answers of a form.
    page: str
    #: In a letter, where there is little room: an answer of the slip.
    letter: str
    #: Within a sentence; empty where it is said in a way that fits all.
    sentence: str = ""


FUELS: Mapping[str, Label] = {
    "electricity": Label("Electricity", "Electricity", "electricity"),
    "gas": Label("Gas", "Gas", "gas"),
    "heat": Label("Heat", "Heat", "heat"),
    "export": Label("Given to the grid", "Given to the grid"),
}
DWELLINGS: Mapping[str, Label] = {
    "flat": Label("Flat", "Flat", "flats"),
    "maisonette": Label("Maisonette", "Maisonette", "maisonettes"),
    "terraced": Label("Terraced house", "Terraced house", "terraced houses"),
    "semi-detached": Label("Semi-detached house", "Semi-detached house", "semi-detached houses"),
    "detached": Label("Detached house", "Detached house", "detached houses"),
    "bungalow": Label("Bungalow", "Bungalow", "bungalows"),
    "other": Label("Another kind of home", "Other"),
}
HEATING: Mapping[str, Label] = {
    "gas": Label("Gas boiler", "Gas boiler", "with gas heating"),
    "electric": Label("Electric heating", "Electric heaters", "with electric heating"),
    "heat-pump": Label("Heat pump", "Heat pump", "with a heat pump"),
    "heat-network": Label("Heat network (one heat source for many homes)", "Heat network", "on the same heat network"),
    "oil": Label("Oil", "Oil", "with oil heating"),
    "other": Label("Another kind of heating", "Other"),
}
TENURES: Mapping[str, Label] = {
    "owner": Label("We own it", "Own it"),
    "private-rent": Label("We rent it privately", "Rent privately"),
    "council-rent": Label("We rent it from the council", "Rent from the council"),
    "housing-association": Label("We rent it from a housing association", "Rent from a housing association"),
    "other": Label("Another way", "Other"),
}


def on_page(labels: Mapping[str, Label]) -> dict[str, str]:
    """By stored word, what a page says."""
    return {word: label.page for word, label in labels.items()}


def in_letter(labels: Mapping[str, Label]) -> dict[str, str]:
    """By stored word, what a letter says."""
    return {word: label.letter for word, label in labels.items()}


def in_sentence(labels: Mapping[str, Label]) -> dict[str, str]:
    """By stored word, what stands within a sentence, where it has words of its own."""
    return {word: label.sentence for word, label in labels.items() if label.sentence}
