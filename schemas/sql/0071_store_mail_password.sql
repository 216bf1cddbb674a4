-- SPDX-License-Identifier: Apache-2.0
-- Mails sealed to a password agreed apart (docs/spec/storage.md ST-54): recipient_key follows from it by scrypt; the password is nowhere.
alter table store.mail add column password_kdf bytea check (length(password_kdf) = 19); -- null = somebody's own key

create function store.mail_ask(p_id uuid, p_tenant uuid, p_version uuid, p_vault uuid, p_recipient text, p_key bytea,
  p_language text, p_who text, p_why text, p_description text, p_digest bytea, p_by text, p_kdf bytea) returns text language plpgsql as $$
declare
  was boolean := exists (select 1 from store.mail m where m.id = p_id);
  verdict text := store.mail_ask(p_id, p_tenant, p_version, p_vault, p_recipient, p_key, p_language, p_who, p_why, p_description,
    p_digest, p_by);
begin
  if verdict = '' and not was then
    update store.mail set password_kdf = p_kdf where id = p_id;
  end if;
  return verdict;
end $$;

revoke all on function store.mail_ask(uuid, uuid, uuid, uuid, text, bytea, text, text, text, text, bytea, text, bytea) from public;
grant execute on function store.mail_ask(uuid, uuid, uuid, uuid, text, bytea, text, text, text, text, bytea, text, bytea) to carnet_storage;
