"""The ten hunts. Most are the same in every dialect; where a function has another name, the dialect gets its own."""

from dataclasses import dataclass, field


@dataclass
class Hunt:
    """A question in Kubesift's SQL; what to write instead, by peer. Peers read EVENTS, which jobs.py puts in."""

    name: str
    sql: str
    instead: dict = field(default_factory=dict)

    def dialect(self, peer):
        sql = self.sql
        for own, other in self.instead.get(peer, {}).items():
            assert own in sql, f"{self.name}: {own}"
            sql = sql.replace(own, other)
        return sql.replace("from events", "from EVENTS").replace("join events", "join EVENTS")


MORNING = "ts >= '2026-01-15T08:00:00Z' and ts < '2026-01-15T12:00:00Z'"
CLICKHOUSE_MORNING = (
    "ts >= toDateTime64('2026-01-15 08:00:00', 6, 'UTC') and ts < toDateTime64('2026-01-15 12:00:00', 6, 'UTC')"
)
ACCOUNT = "request_object -> 'spec' ->> 'serviceAccountName'"
URIS = "^/api/v1/namespaces/[^/]+/(pods|services)/[^/]+/(exec|attach|portforward|log|proxy)"

HUNTS = [
    Hunt("events by actor", "select actor, count(*) as n from events group by actor order by n desc, actor limit 20"),
    Hunt(
        "one identity's day",
        "select verb, resource, namespace, name, outcome, count(*) as n, count(distinct client_ip) as ips from events "
        "where username = 'anna@example.com' group by verb, resource, namespace, name, outcome",
    ),
    Hunt(
        "secrets by reader",
        "select actor, namespace, name, count(*) as n from events where resource = 'secrets' "
        "and verb in ('get', 'list', 'watch') and outcome = 'allowed' group by actor, namespace, name "
        "order by n desc, actor, namespace, name limit 200",
    ),
    Hunt(
        "regex over URIs",
        f"select verb, subresource, count(*) as n from events where regexp_like(request_uri, '{URIS}') "
        "group by verb, subresource",
        {"duckdb": {"regexp_like": "regexp_matches"}, "clickhouse": {"regexp_like": "match"}},
    ),
    Hunt(
        "JSON into a body",
        f"select {ACCOUNT} as account, count(*) as n from events "
        "where resource = 'pods' and verb = 'create' and request_object is not null group by 1",
        {
            "duckdb": {ACCOUNT: "request_object ->> '$.spec.serviceAccountName'"},
            "clickhouse": {ACCOUNT: "JSONExtractString(request_object, 'spec', 'serviceAccountName')"},
        },
    ),
    Hunt(
        "top talkers",
        "select client_ip, count(*) as n, count(distinct actor) as actors from events group by client_ip "
        "order by n desc, client_ip limit 20",
    ),
    Hunt(
        "distinct secrets by actor in a window",
        "select actor, count(distinct concat(namespace, '/', name)) as secrets from events "
        f"where resource = 'secrets' and {MORNING} and name is not null "
        "group by actor order by secrets desc, actor limit 50",
        {"clickhouse": {MORNING: CLICKHOUSE_MORNING}},
    ),
    Hunt(
        "exec, then secrets within the hour",
        "select e.actor, e.audit_id, count(*) as n, min(s.name) as secret "
        "from (select actor, audit_id, ts from events where subresource in ('exec', 'attach', 'proxy')) e "
        "join (select actor, name, ts from events where resource = 'secrets') s on e.actor = s.actor "
        "where s.ts >= e.ts and s.ts <= e.ts + interval '1 hour' group by e.actor, e.audit_id",
        {"clickhouse": {"interval '1 hour'": "interval 1 hour"}},
    ),
    Hunt(
        "events by hour and verb",
        "select extract(hour from ts) as hour, verb, count(*) as n from events group by 1, 2",
    ),
    Hunt(
        "distinct agents",
        "select actor_kind, count(distinct user_agent) as agents, count(distinct actor) as actors from events "
        "group by actor_kind",
    ),
]
