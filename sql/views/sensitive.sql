-- describe = "The requests whose sensitivity is not other: what detections read. One row a request: the richest of its stages, as in requests. Computed once and kept."
-- reads = ["events"]
-- materialise = true
-- richest = true

-- rows without sensitivity cannot be the richest stage of a request with it
select * from events where sensitivity <> 'other'
