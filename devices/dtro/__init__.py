"""D-TRO 4.0.0, the Department for Transport's digital traffic regulation orders, to and from the words of bays.

``reading.read_dtro`` and ``writing.write_dtro``; docs/reference/d-tro.md says what is read, left out and written.
"""
