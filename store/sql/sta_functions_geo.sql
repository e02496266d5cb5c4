-- distance: between two places, in degrees on the plane
select sqrt(d.x * d.x + d.y * d.y) from (select {x1} - {x2}, {y1} - {y2}) as d (x, y)
