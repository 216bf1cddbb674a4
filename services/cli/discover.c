// SPDX-License-Identifier: Apache-2.0
/* Looking for printers, and making devices of what was found. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

#define NOW "Discover now"
#define NOW_PATH "/tasks/Discover%20now"
#define BUILT_IN_PATH "/tasks/Discover%20Devices"
#define COLUMNS                                                                                    \
	"address,state=STATE,vendor,model,serial,name,location,printer=PRINTER,found_by=FOUND "    \
	"BY,device_name=DEVICE"

/* ---- what was found ---- */

/* All pages that match; NULL after a message. */
static json_t *candidates(struct cli *c, const char *filter, int *ret_rc)
{
	json_t *all = json_array();
	struct buf path = BUF_INIT;
	char *next = NULL;

	*ret_rc = 0;
	do {
		struct answer a;
		buf_reset(&path);
		buf_adds(&path, "/candidates?limit=1000&filter=");
		request_escape(&path, filter);
		if (next != NULL) {
			buf_adds(&path, "&cursor=");
			request_escape(&path, next);
		}
		free(next);
		next = NULL;
		if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) != 0) {
			*ret_rc = client_problem(c, &a);
		} else {
			const char *more = json_string_value(json_object_get(a.json, "next"));
			(void)json_array_extend(all, json_object_get(a.json, "items"));
			next = more == NULL || *more == '\0' ? NULL : mem_strdup(more);
		}
		answer_fini(&a);
	} while (next != NULL && *ret_rc == 0);
	free(next);
	buf_fini(&path);
	if (*ret_rc == 0)
		return all;
	json_decref(all);
	return NULL;
}

static int show_found(struct cli *c, const json_t *run)
{
	const char *id = json_string_value(json_object_get(run, "id"));
	struct buf filter = BUF_INIT;
	int rc;

	buf_addf(&filter, "run = '%s'", id);
	json_t *found = candidates(c, buf_str(&filter), &rc);
	buf_fini(&filter);
	if (found == NULL)
		return rc;
	if (c->json) {
		json_t *all = json_pack("{s:O, s:O}", "run", run, "items", found);
		print_json(all);
		json_decref(all);
	} else {
		if (watch_exit(run) != EXIT_DONE)
			watch_outcomes(c, id);
		table_print(c, found, COLUMNS, NULL);
	}
	json_decref(found);
	return watch_exit(run);
}

/* ---- discover ---- */

/* A word that begins like an address and goes on to another one is a range; what is left is one
 * address or a host name: somebody in particular. */
static bool is_range(const char *word)
{
	return (isdigit((unsigned char)*word) || strchr(word, ':') != NULL) &&
	       strpbrk(word, "-/") != NULL;
}

static int add_where(struct cli *c, json_t *discover)
{
	static const char *const flags[][2] = {{"dns-sd", "dns_sd"}, {"service", "services"},
		{"exclude", "exclude"}, {"cred", "credentials"}, {"pool", "pools"},
		{"site", "site"}, {"rate", "rate"}, {"snmp-port", "snmp_port"}};

	for (size_t i = 0; i < c->n_args; i++)
		if (request_put(discover, &m_discovery_desc,
			    is_range(c->args[i]) ? "ranges" : "addresses", c->args[i]) != 0)
			return cli_fail(EXIT_USAGE, "'%s' is no address", c->args[i]);
	for (size_t i = 0; i < array_len(flags); i++) {
		const char *value;
		size_t at = 0;
		while ((value = cli_flag_next(c, flags[i][0], &at)) != NULL)
			if (request_put(discover, &m_discovery_desc, flags[i][1], value) != 0)
				return cli_fail(EXIT_USAGE, "--%s '%s' is not a value for it",
					flags[i][0], value);
	}
	return 0;
}

/* One standing task keeps where somebody looked last. */
static int save_task(struct cli *c, const json_t *discover)
{
	struct answer a;
	json_t *task = json_pack("{s:s, s:s, s:b, s:{s:O}}", "name", NOW, "kind", "device.discover",
		"active", 1, "settings", "discover", discover);
	int rc = client_call(c, "POST", "/tasks", task, NULL, &a);

	if (rc != 0 && a.status == 409) {
		answer_fini(&a);
		rc = client_call(c, "PATCH", NOW_PATH, task, NULL, &a);
	}
	if (rc != 0)
		rc = a.shown ? 0 : client_problem(c, &a);
	answer_fini(&a);
	json_decref(task);
	return rc;
}

static int run_and_show(struct cli *c, const char *path, bool wait)
{
	struct answer a;
	int rc = 0;

	if (client_call(c, "POST", path, NULL, NULL, &a) != 0) {
		rc = client_problem(c, &a);
	} else if (!wait) {
		(void)printf("%s\n", json_string_value(json_object_get(a.json, "id")));
	} else {
		json_t *run = watch_until(c, json_string_value(json_object_get(a.json, "id")), &rc);
		if (run != NULL)
			rc = show_found(c, run);
		json_decref(run);
	}
	answer_fini(&a);
	return rc;
}

int run_discover(struct cli *c, const struct verb *v)
{
	json_t *discover = json_object();
	bool wait = cli_flag(c, "no-wait") == NULL;
	int rc = add_where(c, discover);

	(void)v;
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0 && json_object_size(discover) == 0)
		rc = run_and_show(c, BUILT_IN_PATH ":run", wait);
	else if (rc == 0 && (rc = save_task(c, discover)) == 0)
		rc = run_and_show(c, NOW_PATH ":run", wait);
	json_decref(discover);
	return rc;
}

/* ---- enrol ---- */

static int enrol_one(struct cli *c, const char *ref, const json_t *device, json_t *made)
{
	struct buf path = BUF_INIT;
	struct answer a;
	int rc;

	buf_adds(&path, "/candidates/");
	request_escape(&path, ref);
	buf_adds(&path, ":enrol");
	rc = client_call(c, "POST", buf_str(&path), device, NULL, &a);
	if (rc != 0)
		rc = client_problem(c, &a);
	else
		(void)json_array_append(made, a.json);
	answer_fini(&a);
	buf_fini(&path);
	return rc;
}

static json_t *device_flags(struct cli *c)
{
	json_t *device = json_object();

	for (size_t i = 0; i < c->n_flags; i++) {
		struct flag *f = &c->flags[i];
		if (f->used)
			continue;
		f->used = true;
		if (request_put(device, &m_device_desc, f->name, f->value) != 0) {
			(void)cli_fail(EXIT_USAGE, "--%s '%s' is not a member of a device", f->name,
				f->value);
			json_decref(device);
			return NULL;
		}
	}
	return device;
}

/* Those named, or those that a filter chooses. What is refused does not keep the others back. */
int run_candidate_enrol(struct cli *c, const struct verb *v)
{
	const char *filter = cli_flag(c, "filter");
	json_t *device = NULL, *made = json_array(), *chosen = NULL, *one;
	int rc = 0, refused = 0;
	size_t i;

	if ((c->n_args == 0) == (filter == NULL))
		rc = cli_fail(EXIT_USAGE, "%s %s needs %s, or --filter", v->noun, v->name, v->args);
	else if ((device = device_flags(c)) == NULL)
		rc = EXIT_USAGE;
	else if (filter != NULL)
		chosen = candidates(c, filter, &rc);
	for (size_t k = 0; rc == 0 && k < c->n_args; k++) {
		int one_rc = enrol_one(c, c->args[k], device, made);
		refused = one_rc != 0 ? one_rc : refused;
	}
	json_array_foreach(chosen, i, one)
	{
		int one_rc =
			enrol_one(c, json_string_value(json_object_get(one, "id")), device, made);
		refused = one_rc != 0 ? one_rc : refused;
	}
	if (rc == 0 && c->json && !c->dry_run)
		print_json(made);
	else if (rc == 0 && !c->dry_run)
		table_print(c, made, "name,vendor,family,model,serial,address,site", NULL);
	if (rc == 0 && refused != 0)
		rc = json_array_size(made) > 0 ? EXIT_PARTIAL : refused;
	json_decref(chosen);
	json_decref(device);
	json_decref(made);
	return rc;
}
