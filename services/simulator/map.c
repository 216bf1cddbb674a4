// SPDX-License-Identifier: Apache-2.0
/* The map: the fleet as an operator would import it. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gen/errors.h"
#include "services/simulator/sim.h"

json_t *map_device(const struct device *d)
{
	char address[INET_ADDRSTRLEN];
	struct in_addr a = {.s_addr = htonl(d->address)};

	(void)inet_ntop(AF_INET, &a, address, sizeof(address));
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:i, s:i}, s:s, s:s}", "name",
		d->name, "vendor", d->family->vendor, "family", d->family->key, "model",
		d->model->name, "serial", d->serial, "address",
		*d->sim->host ? d->sim->host : address, "ports", d->family->service, d->http_port,
		"snmp", d->snmp_port, "type", device_type_text(d), "site", d->site->name);
	json_t *more = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:b, s:b}", "region",
		d->site->region, "firmware", device_firmware(d), "display_language",
		device_language(d), "labels", "site", d->site->name, "charset",
		d->model->utf8 ? "utf-8" : "windows-1252", "simulated", 1, "clear_text", 1);

	bug_if(!j || !more);
	(void)json_object_update(j, more);
	json_decref(more);
	return j;
}

static json_t *site_json(const struct site *s)
{
	return json_pack(
		"{s:s, s:s, s:s}", "name", s->name, "region", s->region, "time_zone", s->time_zone);
}

static bool lives_at(const struct fleet *f, const struct family *family, const struct site *s)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->devices[i].family == family && f->devices[i].site == s)
			return true;
	return false;
}

/* One credential per site and kind; a device with another PIN simply refuses it. */
static json_t *credential_json(
	const struct fleet *f, const struct family *family, const struct site *s)
{
	json_t *j = family->credential ? family->credential(f)
				       : json_pack("{s:s, s:s, s:s}", "kind", "system_manager",
						 "id", f->id, "pin", f->pin);
	char name[64];

	(void)snprintf(name, sizeof(name), "%s %.40s",
		family->credential ? family->key : "system manager", s->name);
	(void)json_object_set_new(j, "name", json_string(name));
	(void)json_object_set_new(j, "site", json_string(s->name));
	return j;
}

static void add_credentials(const struct fleet *f, const struct site *s, json_t *list)
{
	int position = 0; /* those of one site have an order (FL-14) */

	for (size_t i = 0; families[i]; i++) {
		if (!lives_at(f, families[i], s))
			continue;
		json_t *j = credential_json(f, families[i], s);
		if (position)
			(void)json_object_set_new(j, "position", json_integer(position));
		(void)json_array_append_new(list, j);
		position++;
	}
}

static json_t *map_json(const struct sim *s)
{
	const struct fleet *f = &s->fleet;
	json_t *devices = json_array(), *sites = json_array(), *credentials = json_array();
	json_t *groups = json_object_get(f->spec, "groups");

	for (uint32_t i = 0; i < f->count; i++)
		(void)json_array_append_new(devices, map_device(&f->devices[i]));
	for (size_t i = 0; i < f->n_sites; i++) {
		(void)json_array_append_new(sites, site_json(&f->sites[i]));
		add_credentials(f, &f->sites[i], credentials);
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "sites", sites, "devices", devices, "credentials",
		credentials, "groups", groups ? json_incref(groups) : json_array());
}

/* Whole or not at all: a reader that waits for the file never sees half of it. */
int map_write(const struct sim *s, const char *path, struct fault *reterr)
{
	char temp[PATH_MAX];
	json_t *j = map_json(s);

	bug_if(!j);
	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	int rc = json_dump_file(j, temp, JSON_INDENT(1));
	json_decref(j);
	if (rc < 0 || rename(temp, path) < 0)
		return fault_set(
			reterr, CN_INTERNAL_ERROR, "cannot write %s: %s", path, strerror(errno));
	return 0;
}
