-- readings: rows that are sorted and new, straight into the table
copy public.reading (series_id, time, value) from stdin (format binary)
