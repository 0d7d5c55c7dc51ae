-- Raises the epoch and makes `p_holder` the active instance. The caller's session holds the holder lock
-- (lease, 3); the fence is taken exclusively here, so this waits for the batches in flight, at most
-- `p_wait_ms`, and then fails with lock_not_available, having changed nothing.
create function megacache_take_lease(p_holder text, p_wait_ms integer) returns bigint
language plpgsql set search_path from current as $$
declare
  v_epoch bigint;
begin
  perform megacache_pin_transaction();
  if not exists (
    select 1 from pg_locks
    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
      and classid = 'lease'::regclass and objid = 3 and objsubid = 2 and pid = pg_backend_pid() and granted
  ) then
    raise object_not_in_prerequisite_state using message = 'this session does not hold the holder lock';
  end if;
  perform set_config('lock_timeout', p_wait_ms || 'ms', true);
  perform pg_advisory_xact_lock('lease'::regclass::oid::integer, 1);
  update lease set epoch = epoch + 1, holder = p_holder,
    acquired_at = clock_timestamp(), renewed_at = clock_timestamp()
  where id = 1 returning epoch into v_epoch;
  return v_epoch;
end $$;

-- How the sessions of this schema begin their application_name, which has 63 bytes: the names of schemas are too long for it.
-- session-pins.ts says the same.
create function megacache_tag() returns text
language sql stable set search_path from current as $$
  select case nspname when 'megacache' then 'megacache' else 'megacache.' || substr(encode(sha256(convert_to(nspname, 'UTF8')), 'hex'), 1, 6) end
  from pg_class join pg_namespace n on n.oid = relnamespace where pg_class.oid = 'lease'::regclass
$$;

-- Ends the sessions of this schema that are tagged with an epoch, whichever: called by who is about to raise it.
-- Returns how many there were.
create function megacache_end_tagged_sessions() returns bigint
language sql set search_path from current as $$
  select count(pg_terminate_backend(pid)) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and split_part(application_name, '/', 1) = megacache_tag() and split_part(application_name, '/', 2) ~ '^[0-9]+$';
$$;
