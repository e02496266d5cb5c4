-- position: 0 where a point is inside of a line or polygon, 1 on its boundary, 2 outside. Each edge (x1, y1) to (x2, y2)
-- says on which side of it the point is, in numeric and so exactly; an odd number of edges to the right is inside
(case
    when {x} is null then null
    when {x} < {low_x} or {x} > {high_x} or {y} < {low_y} or {y} > {high_y} then 2
    else (
        select case
            when bool_or(
                c.side = 0 and p.x between least(c.x1, c.x2) and greatest(c.x1, c.x2)
                and p.y between least(c.y1, c.y2) and greatest(c.y1, c.y2)
            ) then {touched}
            when {area} and count(*) filter (where (c.y1 > p.y) <> (c.y2 > p.y) and (c.side > 0) = (c.y2 > c.y1)) %% 2 = 1
                then 0
            else 2
        end
        from (select ({x})::text::numeric, ({y})::text::numeric) as p (x, y)
        cross join lateral (
            select e.*, (e.x2 - e.x1) * (p.y - e.y1) - (p.x - e.x1) * (e.y2 - e.y1)
            from unnest({x1}, {y1}, {x2}, {y2}) as e (x1, y1, x2, y2)
        ) as c (x1, y1, x2, y2, side)
    )
end)
