-- round: to the nearest whole number, halves away from zero
select trunc(v.v) + case when abs(v.v - trunc(v.v)) >= 0.5 then sign(v.v) else 0 end
from (select {number}::float8) as v (v);

-- number_of_text: a text that says a number, null for others; of these the float8 cannot overflow
select case when v.v ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$' then v.v::float8 end
from (select {text}) as v (v)
