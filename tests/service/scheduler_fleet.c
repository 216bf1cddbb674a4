// SPDX-License-Identifier: Apache-2.0
/* The fleet's own records (docs/spec/fleet.md sections 1 and 2): long lists, who is who, filters,
 * groups, candidates, which login is whose. */
#include "tests/service/scheduler_client.h"

static const char *const quick[] = {"--tick_ms=50", "--lease_ms=5000", NULL};

static bool says(const char *want, const char *query)
{
	const char *got = sql("%s", query);

	if (strcmp(got, want) != 0)
		(void)fprintf(stderr, "# %s\n# %s\n", query, got);
	return strcmp(got, want) == 0;
}

/* Whether the answer is a refusal for this reason. */
static bool refuses(json_t *j, const char *reason)
{
	bool good = is(j, "fault.reason", reason);

	json_decref(j);
	return good;
}

/* ---- lists of any length ---- */

/* Pages of so many; each item's name once, in order: how many there are. */
static size_t all_pages(const char *list, unsigned limit, size_t *ret_pages)
{
	char cursor[600] = "", last[128] = "";
	size_t n = 0, i;
	bool good = true;

	*ret_pages = 0;
	do {
		json_t *item, *j = *cursor == '\0' ? ask(list, "{'limit': %u}", limit)
						   : ask(list, "{'limit': %u, 'cursor': '%s'}",
							     limit, cursor);
		json_array_foreach(json_object_get(j, "items"), i, item)
		{
			good = good && strcmp(at(item, "name"), last) > 0;
			(void)snprintf(last, sizeof(last), "%s", at(item, "name"));
			n++;
		}
		(void)snprintf(cursor, sizeof(cursor), "%s", at(j, "next"));
		++*ret_pages;
		json_decref(j);
	} while (*cursor != '\0');
	return good ? n : 0;
}

static void long_lists(void)
{
	size_t pages, n;

	(void)sql("insert into fleet.site (name) select 's' || to_char(i, 'FM0000')"
		  " from generate_series(1, 1500) i");
	(void)sql("insert into fleet.credential (id, name, kind, site, sealed) select"
		  " sched.uuid7(), 'c' || to_char(i, 'FM0000'), 'user_auth',"
		  " 's' || to_char(i, 'FM0000'), 'x' from generate_series(1, 1500) i");
	(void)sql("insert into sched.time_window (id, name, min_left_ms, hard_end) select"
		  " sched.uuid7(), 'w' || to_char(i, 'FM0000'), 0, false"
		  " from generate_series(1, 1500) i");
	n = all_pages("site_list", 400, &pages);
	ok(n == 1500 && pages == 4, "1,500 sites come in pages, each once");
	ok(all_pages("credential_list", 400, &pages) == 1500 && pages == 4, "credentials, too");
	ok(all_pages("window_list", 400, &pages) == 1500 && pages == 4, "and windows");
	n = all_pages("site_list", 0, &pages);
	ok(n == 1500 && pages == 2, "without a limit a page has 1,000, and names the next one");
	ok(refuses(ask("credential_list", "{'cursor': 'nonsense'}"), "cursor"),
		"what is no cursor is refused");
	json_t *j = ask("site_put", "{'site': {'name': 's1500', 'region': 'far'}}");
	ok(json_array_size(json_object_get(j, "items")) == 1 && is(j, "items.0.region", "far"),
		"a site that is put is what comes back");
	json_decref(j);
}

static void preview_of_many_sites(void)
{
	(void)sql(
		"insert into fleet.device (id, name, vendor, family, serial, address, site)"
		" select sched.uuid7(), 'm' || i, 'V', 'canon_rui', 'M' || i, '10.1.' || i / 250"
		" || '.' || i %% 250, 's' || to_char(i, 'FM0000') from generate_series(1, 1500) i");
	(void)sql("update fleet.device set site = 's0001' where name in ('m2', 'm3')");
	json_decref(ask("group_create", "{'group': {'name': 'wide', 'kind': 'dynamic', 'filter':"
					" 'name ~ `m*`'}}"));
	json_t *j = ask("group_preview", "{'ref': 'wide'}");
	ok(is(j, "total", "1500") && json_array_size(json_object_get(j, "by_site")) == 1000 &&
			is(j, "by_site.0.key", "s0001") && is(j, "by_site.0.n", "3") &&
			is(j, "by_site.999.key", "…") && is(j, "by_site.999.n", "499"),
		"a preview over more sites than fit counts the small ones together");
	json_decref(j);
}

/* ---- candidates ---- */

#define FOUND(item)                                                                                \
	sql("select fleet.candidates_found('[{\"address\": \"10.3.0.1\", " item                    \
	    "}]', sched.uuid7())")

static void candidates(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address) select"
		  " sched.uuid7(), 'k' || i, 'V', 'canon_rui', 'K' || i, '10.2.0.' || i"
		  " from generate_series(1, 200) i");
	(void)sql("insert into fleet.candidate (id, address, serial) select sched.uuid7(),"
		  " '10.2.1.' || i, 'K' || i from generate_series(1, 220) i");
	ok(says("200", "select count(*) from fleet.candidate_now where state = 2"),
		"a candidate is a device by its serial number");
	ok(says("200|t", "begin; set local enable_seqscan = off; select count(fleet.device_of(c)), "
			 "(select"
			 " sum(s.seq_scan) < 10 from pg_stat_xact_user_tables s where s.schemaname "
			 "= 'fleet'"
			 " and s.relname = 'device') from (select c from fleet.candidate c offset "
			 "0) x(c);"
			 " commit"),
		"and that is found without reading all devices for each");
	(void)sql("delete from fleet.candidate");
	(void)FOUND("\"name\": \"One\", \"found_by\": [\"dns_sd\"]");
	(void)FOUND("\"name\": \"Two\", \"found_by\": [\"dns_sd\"]");
	(void)FOUND("\"name\": \"One\", \"found_by\": [\"dns_sd\"]");
	ok(says("One 2, Two 1", "select string_agg(name || ' ' || seen, ', ' order by name) from"
				" fleet.candidate"),
		"two queues at one address that announce themselves by names are two (FL-76)");
	(void)FOUND("\"name\": \"sysname\", \"found_by\": [\"snmp\"]");
	ok(says("2", "select count(*) from fleet.candidate"),
		"what answers there by another way is one of them");
	(void)sql("delete from fleet.candidate");
}

/* ---- what a credential reaches (FL-13, FL-14, FL-16) ---- */

static void put_credential(const char *name, const char *kind, const char *bound, const char *more)
{
	json_t *j = ask("credential_put",
		"{'credential': {'name': '%s', 'kind': '%s', %s, 'sealed': 'AAAA'%s}}", name, kind,
		bound, more);

	if (*at(j, "credential.id") == '\0')
		ok(false, at(j, "fault.detail"));
	json_decref(j);
}

/* Names of those that a job of this device is given, in their order. */
static bool given(const char *device, const char *names)
{
	static const char claimer[] = "0193aaaa-0000-7000-8000-000000000001";
	char got[200] = "";
	size_t i;
	json_t *one, *j;

	json_decref(ask("task_create",
		"{'task': {'name': 'probe %s', 'kind': 'device.probe', 'targets': {'devices':"
		" ['%s']}}}",
		device, device));
	json_decref(ask("run_start", "{'ref': 'probe %s'}", device));
	(void)becomes("1", "select count(*) from sched.ready");
	j = ask("job_claim", "{'worker': '%s', 'slots': 1}", claimer);
	if (!is(j, "jobs.0.device.name", device))
		(void)snprintf(got, sizeof(got), "another device: ");
	json_array_foreach(
		json_object_get(json_array_get(json_object_get(j, "jobs"), 0), "credentials"), i,
		one)
	{
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			*got == '\0' ? "" : " ",
			sql("select name from fleet.credential where id = '%s'", at(one, "id")));
	}
	json_decref(j);
	if (strcmp(got, names) != 0)
		(void)fprintf(stderr, "# %s is given: %s\n", device, got);
	return strcmp(got, names) == 0;
}

static bool listed(const char *filter, const char *names)
{
	json_t *j = ask("device_list", "{'filter': '%s'}", filter), *item;
	char got[400] = "";
	size_t i;

	if (json_object_get(j, "fault") != NULL)
		(void)snprintf(got, sizeof(got), "%s", at(j, "fault.detail"));
	json_array_foreach(json_object_get(j, "items"), i, item)
	{
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			*got == '\0' ? "" : " ", at(item, "name"));
	}
	json_decref(j);
	if (strcmp(got, names) != 0)
		(void)fprintf(stderr, "# %s: %s\n", filter, got);
	return strcmp(got, names) == 0;
}

static void logins(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address, ip, site)"
		  " select sched.uuid7(), 'l' || i, 'V', 'ipp', 'L' || i, '10.4.0.' || i,"
		  " ('10.4.0.' || i)::inet, case when i < 3 then 's0001' end"
		  " from generate_series(1, 3) i");
	json_decref(ask("group_create", "{'group': {'name': 'above', 'kind': 'static'}}"));
	json_decref(ask("group_create", "{'group': {'name': 'below', 'kind': 'static'}}"));
	json_decref(ask("group_change_members", "{'ref': 'above', 'add_groups': ['below']}"));
	json_decref(ask("group_change_members", "{'ref': 'below', 'add_devices': ['l1']}"));
	(void)sql("delete from fleet.credential");
	put_credential("wide", "user_auth", "'range': '10.0.0.0/8'", ", 'factory_default': true");
	put_credential("narrow", "user_auth", "'range': '10.4.0.0/24'", "");
	put_credential("site", "user_auth", "'site': 's0001'", ", 'factory_default': true");
	put_credential("second", "user_auth", "'site': 's0001'", ", 'position': 1");
	put_credential(
		"of above", "password_only", "'group': 'above'", ", 'factory_default': true");
	put_credential("own", "user_auth", "'device': 'l1'", "");
	put_credential("agent", "snmp_v2c", "'site': 's0001'", ", 'position': 2");
	ok(given("l1", "own of above site second agent narrow wide"),
		"a job is given the narrowest login first (FL-14)");
	(void)sql("update fleet.device set state = 3, state_at = clock_timestamp(), state_cause ="
		  " 'auth_refused' where name = 'l2'");
	ok(given("l2", "agent"), "a device on hold is asked without a login (FL-13)");
	ok(listed("name ~ `l?` and alarms has default_credential", "l1 l2"),
		"which devices have a login that every new one has, of all at once");
	ok(says("", "select string_agg(d.name, ' ') from fleet.device d where"
		    " fleet.default_login(d.id, d.site, d.ip) <> (d.id in (select"
		    " fleet.default_logins()))"),
		"as each by itself");
	ok(listed("credentials has `of above`", "l1") &&
			listed("name ~ `l?` and credentials has second", "l1 l2") &&
			listed("credentials has narrow", "l1 l2 l3") &&
			listed("credentials has own", "l1") && listed("credentials has nobody", ""),
		"a filter asks to whom a credential is bound");
	put_credential("new", "user_auth", "'device': 'l2'", "");
	ok(says("2", "select state from fleet.device where name = 'l2'"),
		"a new login lifts the hold where it is the one that is tried");
}

/* ---- filters (section 2) ---- */

static void filters(void)
{
	(void)sql("insert into fleet.site (name, region, time_zone) values"
		  " ('Paris', 'Europe', 'Europe/Paris')");
	(void)sql(
		"insert into fleet.device (id, name, vendor, family, serial, address, site,"
		" time_zone, ports, labels, capabilities, tls_pin, version, created_at) values"
		" (sched.uuid7(), 'f1', 'V', 'ipp', 'F1', '10.5.0.1', 'Paris', '',"
		"  '{\"ipp\": 8631}', '{\"floor\": \"3\"}',"
		"  '{\"ab.read\": {\"result\": \"yes\"}}', 'aa', 9, '2027-01-05T10:00Z'),"
		" (sched.uuid7(), 'f2', 'V', 'ipp', 'F2', '10.5.0.2', 'Paris', 'Asia/Tokyo', '{}',"
		"  '{\"wing\": \"west\"}', '{\"ab.read\": {\"result\": \"no\"}}', '', 10,"
		"  '2027-01-06T10:00Z'),"
		" (sched.uuid7(), 'f3', 'V', 'ipp', 'F3', '10.5.0.3', null, '', '{}', '{}', '{}',"
		"  '', 11, '2027-01-07T10:00Z')");
	(void)sql("update fleet.last l set state = case d.name when 'f1' then 8 else 12 end,"
		  " success_at = clock_timestamp() - case d.name when 'f1' then interval '1 hour'"
		  " else interval '9 days' end from fleet.device d where d.id = l.device and"
		  " d.name in ('f1', 'f2')");
#define AMONG "name ~ `f?` and "
	ok(listed(AMONG "time_zone = `Europe/Paris`", "f1") &&
			listed(AMONG "time_zone = `Asia/Tokyo`", "f2"),
		"the zone asked for is the one that is shown: its own, else its site's");
	ok(listed(AMONG "region = Europe", "f1 f2") && listed(AMONG "not region = Europe", "f3"),
		"by region");
	ok(listed(AMONG "last_state in (failed, dead)", "f2") &&
			listed(AMONG "not last_state in (failed, dead)", "f1 f3") &&
			listed(AMONG "last_state != failed", "f1 f3"),
		"a printer that never ran did not fail either");
	ok(listed(AMONG "last_success_age > 7d", "f2 f3") &&
			listed(AMONG "last_success_age < 7d", "f1"),
		"one that never succeeded is older than any age");
	ok(listed(AMONG "version > 9", "f2 f3") && listed(AMONG "version in (9, 11)", "f1 f3") &&
			listed(AMONG "version != 10", "f1 f3") &&
			refuses(ask("device_list", "{'filter': 'version > nine'}"), "filter"),
		"versions are numbers");
	ok(listed(AMONG "tls = aa", "f1") && listed(AMONG "tls = ``", "f2 f3"), "by TLS pin");
	ok(listed(AMONG "capability.ab.read = yes", "f1") &&
			listed(AMONG "capability.ab.read in (no, unknown)", "f2 f3") &&
			listed(AMONG "not capability.ab.read = no", "f1 f3") &&
			listed(AMONG "capabilities has ab.read", "f1 f2"),
		"by capability; what was never checked is unknown");
	ok(listed(AMONG "ports has ipp", "f1") && listed(AMONG "labels has wing", "f2") &&
			listed(AMONG "label.floor = 3", "f1") &&
			listed(AMONG "label.floor != 3", "f2 f3"),
		"by ports and labels");
	ok(listed(AMONG "created_at > 2027-01-06", "f2 f3") &&
			listed(AMONG "created_at < 2027-01-06T10:00:00Z", "f1"),
		"by when it was enrolled");
}

/* ---- who is who (FL-2) ---- */

/* An import of these, as "created updated refused". */
static bool imports(const char *devices, const char *outcome)
{
	json_t *j = ask("device_import", "{'devices': [%s]}", devices);
	char got[200];

	(void)snprintf(got, sizeof(got), "%s %s %zu%s", at(j, "created"), at(j, "updated"),
		json_array_size(json_object_get(j, "refused")), at(j, "fault.detail"));
	json_decref(j);
	if (strcmp(got, outcome) != 0)
		(void)fprintf(stderr, "# %s: %s\n", devices, got);
	return strcmp(got, outcome) == 0;
}

static void identity(void)
{
	static const char plain[] = "{'name': 'no serial', 'family': 'ipp', 'address': '10.6.0.1'}";
	char two[400];

	(void)snprintf(two, sizeof(two), "%s, %s", plain, plain);
	ok(imports(two, "1 0 1"), "two equal rows without a serial number are one device");
	ok(imports(two, "0 1 1") && imports(plain, "0 1 0"), "and stay one");
	ok(imports("{'name': 'c', 'vendor': 'Canon', 'family': 'canon_rui', 'serial': 'X1',"
		   " 'address': '10.6.0.2'}, {'name': 'c', 'vendor': 'canon', 'family':"
		   " 'canon_rui', 'serial': 'X1', 'address': '10.6.0.3'}",
		   "1 0 1"),
		"a vendor is one however it is written");
	ok(imports("{'name': 'c', 'vendor': 'CANON', 'family': 'canon_rui', 'serial': 'X1',"
		   " 'address': '10.6.0.4'}",
		   "0 1 0") &&
			says("1 10.6.0.4", "select count(*) || ' ' || min(address) from"
					   " fleet.device where serial = 'X1'"),
		"an import finds it, too");
	ok(refuses(ask("device_create", "{'device': {'name': 'c', 'vendor': 'canon', 'family':"
					" 'canon_rui', 'serial': 'X1', 'address': '10.6.0.5'}}"),
		   "device_exists"),
		"and nobody makes a second one");
}

/* As an older version left them. */
static void twins(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address, twin)"
		  " values (sched.uuid7(), 'one', 'Ricoh', 'ipp', 'T1', '10.6.1.1', false),"
		  " (sched.uuid7(), 'two', 'ricoh', 'ipp', 'T1', '10.6.1.2', true)");
	ok(imports("{'name': 'two', 'vendor': 'ricoh', 'family': 'ipp', 'serial': 'T1',"
		   " 'address': '10.6.1.3'}",
		   "0 1 0") &&
			says("one 10.6.1.1, two 10.6.1.3",
				"select string_agg(name || ' ' || address, ', ' order by name)"
				" from fleet.device where serial = 'T1'"),
		"of two that were there before each is found as it is written");
}

static void ids_and_names(void)
{
	static const char id[] = "0193eeee-0000-7000-8000-000000000001";

	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address) values"
		  " ('%s', 'meant', 'V', 'ipp', 'I1', '10.6.2.1'),"
		  " (sched.uuid7(), '%s', 'V', 'ipp', 'I2', '10.6.2.2')",
		id, id);
	json_t *j = ask("device_get", "{'ref': '%s'}", id);
	ok(is(j, "device.name", "meant"), "an id means the object that has it, whatever others are "
					  "called");
	json_decref(j);
	json_decref(ask("group_create", "{'group': {'name': 'ids', 'kind': 'static'}}"));
	json_decref(ask("group_change_members", "{'ref': 'ids', 'add_devices': ['%s']}", id));
	j = ask("group_members", "{'ref': 'ids'}");
	ok(is(j, "items.0.name", "meant"), "as a member, too");
	json_decref(j);
#define NAMED "'name': '0193eeee-0000-7000-8000-00000000000F'"
	ok(refuses(ask("device_create", "{'device': {" NAMED ", 'family': 'ipp', 'address':"
					" '10.6.2.9'}}"),
		   "name_is_id") &&
			refuses(ask("device_update", "{'ref': 'meant', 'device': {" NAMED "}}"),
				"name_is_id") &&
			refuses(ask("group_create", "{'group': {" NAMED ", 'kind': 'static'}}"),
				"name_is_id") &&
			refuses(ask("site_put", "{'site': {" NAMED "}}"), "name_is_id") &&
			refuses(ask("credential_put", "{'credential': {" NAMED
						      ", 'kind': 'user_auth', 'site': 'Paris'}}"),
				"name_is_id") &&
			refuses(ask("window_create", "{'window': {" NAMED "}}"), "name_is_id") &&
			refuses(ask("task_create",
					"{'task': {" NAMED ", 'kind': 'device.probe', 'targets':"
					" {'all': true}}}"),
				"name_is_id"),
		"a name that looks like an id is refused");
}

/* ---- groups ---- */

static void groups_in_use(void)
{
	json_decref(ask("group_create", "{'group': {'name': 'held', 'kind': 'static'}}"));
	put_credential("for held", "password_only", "'group': 'held'", "");
	json_decref(ask("window_create", "{'window': {'name': 'nights', 'open': [{'start':"
					 " '22:00', 'end': '06:00'}], 'groups': ['held']}}"));
	json_t *j = ask("group_delete", "{'ref': 'held'}");
	ok(is(j, "fault.reason", "in_use") &&
			strstr(at(j, "fault.detail"), "credential 'for held'") != NULL &&
			strstr(at(j, "fault.detail"), "window 'nights'") != NULL,
		"a group with credentials and windows stays, and it is said who uses it");
	json_decref(j);
	json_decref(ask("credential_delete", "{'ref': 'for held'}"));
	json_decref(ask("window_delete", "{'ref': 'nights'}"));
	j = ask("group_delete", "{'ref': 'held'}");
	ok(json_object_get(j, "fault") == NULL, "without them it goes");
	json_decref(j);
}

static void deep_groups(void)
{
	char name[16], above[16] = "";

	for (int i = 1; i <= 17; i++) {
		(void)snprintf(name, sizeof(name), "n%02d", i);
		json_decref(
			ask("group_create", "{'group': {'name': '%s', 'kind': 'static'}}", name));
		json_t *j = *above == '\0'
				    ? NULL
				    : ask("group_change_members",
					      "{'ref': '%s', 'add_groups': ['%s']}", above, name);
		if (i == 16)
			ok(json_object_get(j, "fault") == NULL, "groups may stand 16 deep");
		if (i == 17)
			ok(is(j, "fault.reason", "group_cycle"), "and no deeper");
		json_decref(j);
		(void)snprintf(above, sizeof(above), "%s", name);
	}
	json_decref(ask("group_change_members", "{'ref': 'n16', 'add_devices': ['f1']}"));
	json_t *j = ask("group_preview", "{'ref': 'n01'}");
	ok(is(j, "total", "1"), "who is at the bottom is in it");
	json_decref(j);
}

static void large_group(void)
{
	char cursor[600] = "";
	size_t n = 0;
	json_t *j, *batch, *body;

	(void)sql(
		"insert into fleet.device (id, name, vendor, family, serial, address) select"
		" sched.uuid7(), 'g' || to_char(i, 'FM000000'), 'V', 'canon_rui', 'G' || i, 'g' ||"
		" i from generate_series(1, 100000) i");
	(void)sql("analyze fleet.device");
	json_decref(ask("group_create", "{'group': {'name': 'large', 'kind': 'static'}}"));
	for (int from = 0; from < 100000; from += 10000) {
		batch = json_array();
		for (int i = from + 1; i <= from + 10000; i++) {
			char name[16];
			(void)snprintf(name, sizeof(name), "g%06d", i);
			(void)json_array_append_new(batch, json_string(name));
		}
		body = json_pack("{s:s, s:o}", "ref", "large", "add_devices", batch);
		char *text = json_dumps(body, JSON_COMPACT);
		json_decref(ask_as("group_change_members", text, NULL));
		free(text);
		json_decref(body);
	}
	j = ask("group_get", "{'ref': 'large'}");
	ok(is(j, "group.devices", "100000"), "a group takes 100,000 members, 10,000 at a time");
	json_decref(j);
	do {
		j = *cursor == '\0'
			    ? ask("group_members", "{'ref': 'large', 'limit': 1000}")
			    : ask("group_members",
				      "{'ref': 'large', 'limit': 1000, 'cursor': '%s'}", cursor);
		n += json_array_size(json_object_get(j, "items"));
		(void)snprintf(cursor, sizeof(cursor), "%s", at(j, "next"));
		json_decref(j);
	} while (*cursor != '\0');
	ok(n == 100000, "they come in pages");
	json_decref(ask("group_create", "{'group': {'name': 'few', 'kind': 'static'}}"));
	json_decref(ask("group_change_members", "{'ref': 'few', 'add_devices': ['g000007']}"));
	json_decref(ask("task_create",
		"{'task': {'name': 'all but few', 'kind': 'device.probe', 'targets': {'groups':"
		" ['large', 'n01'], 'exclude_groups': ['few', 'n16']}}}"));
	j = ask("run_start", "{'ref': 'all but few'}");
	ok(is(j, "run.counts.total", "99999"),
		"a run has all of them, without those of the groups that are taken out");
	json_decref(j);
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	long_lists();
	preview_of_many_sites();
	candidates();
	logins();
	filters();
	identity();
	twins();
	ids_and_names();
	groups_in_use();
	deep_groups();
	large_group();
	client_close();
	return finish_tests();
}
