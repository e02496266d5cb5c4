-- exists: whether one of some rows makes a condition true
exists (select from {source} where {condition})
