-- Who made the requests behind findings, and from where.
select distinct cluster, audit_id, actor, username, client_ip
from requests
where audit_id in ($ids) and ts >= $since and ts < $until
order by cluster, audit_id, actor, username, client_ip
