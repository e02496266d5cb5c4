-- members: a literal among the members of an open property, where that is a list
exists (
    select from jsonb_array_elements(case when jsonb_typeof({array}) = 'array' then {array} end) as m (m) where {condition}
)
