"""Trials of nudges: arrays in, arrays out. One panel goes in, estimates with their intervals come out."""
