// SPDX-License-Identifier: Apache-2.0
/* `carnet device import FILE`: sites, devices, groups and credentials of one JSON file. Repeatable:
 * devices are found again by vendor and serial, groups and credentials by name. */
#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"
#include "services/cli/cli.h"

#define BATCH ((size_t)500)

static int call(
	struct cli *c, const char *method, const char *path, json_t *body, bool exists_is_fine)
{
	struct answer a;
	int rc = client_call(c, method, path, body, NULL, &a);

	if (rc != 0 && exists_is_fine && a.status == 409)
		rc = 0;
	else if (rc != 0)
		rc = a.shown ? 0 : client_problem(c, &a);
	answer_fini(&a);
	return rc;
}

static int import_sites(struct cli *c, const json_t *sites)
{
	size_t i;
	json_t *site;
	int rc = 0;

	json_array_foreach(sites, i, site)
	{
		struct buf path = BUF_INIT;
		buf_adds(&path, "/sites/");
		const char *name = json_string_value(json_object_get(site, "name"));
		request_escape(&path, name == NULL ? "" : name);
		if (rc == 0)
			rc = call(c, "PUT", buf_str(&path), site, false);
		buf_fini(&path);
	}
	return rc;
}

/* The file may write maps where the API has lists of pairs: {"http": 8000} → [{service, port}]. */
static void pairs(json_t *device, const char *member, const char *key, const char *value)
{
	json_t *map = json_object_get(device, member);
	const char *name;
	json_t *v;

	if (!json_is_object(map))
		return;
	json_t *list = json_array();
	json_object_foreach(map, name, v)(void)
		json_array_append_new(list, json_pack("{s:s, s:O}", key, name, value, v));
	(void)json_object_set_new(device, member, list);
}

/* Members that are no field of a device (the simulator's own notes) stay at home. */
static json_t *device_of(const json_t *given)
{
	json_t *device = json_object();

	for (size_t i = 0; i < m_device_desc.n_fields; i++) {
		json_t *v = json_object_get(given, m_device_desc.fields[i].name);
		/* a file says who a printer is by its serial number, whatever it once was here */
		bool own = strcmp(m_device_desc.fields[i].name, "id") == 0 ||
			   strcmp(m_device_desc.fields[i].name, "version") == 0;
		if (v != NULL && !own)
			(void)json_object_set(device, m_device_desc.fields[i].name, v);
	}
	pairs(device, "ports", "service", "port");
	pairs(device, "labels", "key", "value");
	return device;
}

struct totals {
	json_int_t created, updated, refused;
};

static int import_batch(struct cli *c, json_t *batch, struct totals *t)
{
	struct answer a;
	json_t *body = json_pack("{s:o}", "devices", batch);
	size_t i;
	json_t *refusal;
	int rc = client_call(c, "POST", "/devices:import", body, NULL, &a);

	json_decref(body);
	if (rc != 0) {
		rc = a.shown ? 0 : client_problem(c, &a);
	} else {
		t->created += json_integer_value(json_object_get(a.json, "created"));
		t->updated += json_integer_value(json_object_get(a.json, "updated"));
		json_array_foreach(json_object_get(a.json, "refused"), i, refusal)
		{
			t->refused++;
			(void)cli_fail(0, "%s: %s",
				json_string_value(json_object_get(refusal, "name")),
				json_string_value(json_object_get(refusal, "reason")));
		}
	}
	answer_fini(&a);
	return rc;
}

static int import_devices(struct cli *c, const json_t *devices, struct totals *t)
{
	size_t n = json_array_size(devices);
	int rc = 0;

	for (size_t at = 0; at < n && rc == 0; at += BATCH) {
		json_t *batch = json_array();
		for (size_t i = at; i < size_min(n, at + BATCH); i++)
			(void)json_array_append_new(batch, device_of(json_array_get(devices, i)));
		rc = import_batch(c, batch, t);
		if (c->tty && n > BATCH)
			(void)fprintf(stderr, "\r%zu/%zu devices", size_min(n, at + BATCH), n);
	}
	if (c->tty && n > BATCH)
		(void)fputc('\n', stderr);
	return rc;
}

static int import_members(struct cli *c, const json_t *group)
{
	struct buf path = BUF_INIT;
	json_t *devices = json_object_get(group, "devices");
	json_t *groups = json_object_get(group, "groups");
	json_t *body = json_object();
	int rc = 0;

	if (json_is_array(devices))
		(void)json_object_set(body, "add_devices", devices);
	if (json_is_array(groups))
		(void)json_object_set(body, "add_groups", groups);
	buf_adds(&path, "/groups/");
	request_escape(&path, json_string_value(json_object_get(group, "name")));
	buf_adds(&path, "/members");
	if (json_object_size(body) > 0)
		rc = call(c, "POST", buf_str(&path), body, false);
	json_decref(body);
	buf_fini(&path);
	return rc;
}

/* All groups first, then members: a group may name one that stands below it. */
static int import_groups(struct cli *c, const json_t *groups)
{
	static const char *const members[] = {"name", "kind", "filter"};
	size_t i;
	json_t *group;
	int rc = 0;

	json_array_foreach(groups, i, group)
	{
		json_t *body = json_object();
		for (size_t k = 0; k < array_len(members); k++)
			if (json_object_get(group, members[k]) != NULL)
				(void)json_object_set(
					body, members[k], json_object_get(group, members[k]));
		if (rc == 0)
			rc = call(c, "POST", "/groups", body, true);
		json_decref(body);
	}
	json_array_foreach(groups, i, group) if (rc == 0) rc = import_members(c, group);
	return rc;
}

static int import_credentials(struct cli *c, const json_t *credentials)
{
	size_t i;
	json_t *credential;
	int rc = 0;

	json_array_foreach(credentials, i, credential)
	{
		json_t *body = json_deep_copy(credential);
		/* "id" is the device's department id here, the resource's own id in the API */
		json_t *id = json_object_get(body, "id");
		if (id != NULL) {
			(void)json_object_set(body, "id_number", id);
			(void)json_object_del(body, "id");
		}
		if (rc == 0)
			rc = call(c, "POST", "/credentials", body, true);
		json_decref(body);
	}
	return rc;
}

int run_device_import(struct cli *c, const struct verb *v)
{
	json_error_t e;
	struct totals t = {0};

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *file = strcmp(c->args[0], "-") == 0
			       ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &e)
			       : json_load_file(c->args[0], JSON_REJECT_DUPLICATES, &e);
	if (file == NULL)
		return cli_fail(EXIT_ERROR, "%s, line %d, column %d: %s", c->args[0], e.line,
			e.column, e.text);
	int rc = import_sites(c, json_object_get(file, "sites"));
	if (rc == 0)
		rc = import_devices(c, json_object_get(file, "devices"), &t);
	if (rc == 0)
		rc = import_groups(c, json_object_get(file, "groups"));
	if (rc == 0)
		rc = import_credentials(c, json_object_get(file, "credentials"));
	json_decref(file);
	if (rc != 0 || c->dry_run)
		return rc;
	if (c->json) {
		json_t *sum = json_pack("{s:I, s:I, s:I}", "created", t.created, "updated",
			t.updated, "refused", t.refused);
		print_json(sum);
		json_decref(sum);
	} else {
		(void)printf("%lld enrolled, %lld updated, %lld refused\n", (long long)t.created,
			(long long)t.updated, (long long)t.refused);
	}
	return t.refused > 0 ? EXIT_PARTIAL : EXIT_DONE;
}
