-- describe = "One row a command line that was run in a pod. plain: the command in small letters without the quotes, backslashes and doubled slashes that would hide a word from a pattern."
-- reads = ["pod_access"]

select
  *,
  -- c''url, c\url and c$@url run curl; $IFS is a space; /run//secrets and /run/./secrets are /run/secrets
  regexp_replace(
    regexp_replace(
      regexp_replace(lower(command), '["''\\]|\$@|\$\*', '', 'g'),
      '\$(\{ifs[^}]*\}|ifs)(\$[0-9])?|\s+', ' ', 'g'
    ),
    '([^:])/(\.?/)+', '\1/', 'g'
  ) as plain
from pod_access
where command is not null
