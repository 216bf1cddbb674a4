// SPDX-License-Identifier: Apache-2.0
/* From a fleet file and a seed to devices. Same file and seed, same devices in the same order. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/simulator/book.h"

static const char EMPTY_SPEC[] = "{}";

static uint32_t number(const json_t *j, const char *name, uint32_t otherwise)
{
	const json_t *n = json_object_get(j, name);

	return json_is_integer(n) ? (uint32_t)json_integer_value(n) : otherwise;
}

static const char *string(const json_t *j, const char *name, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : otherwise;
}

/* A whole number is a count of devices, a fraction a share of them. */
static uint32_t how_many(const json_t *j, uint32_t total)
{
	double n = json_number_value(j);

	if (json_is_integer(j))
		return (uint32_t)json_integer_value(j) < total ? (uint32_t)json_integer_value(j)
							       : total;
	return n > 0 && n < 1 ? (uint32_t)(n * total + 0.5) : 0;
}

/* ---- sites and common settings ---- */

static void add_site(struct fleet *f, const json_t *j)
{
	struct site *s = &f->sites[f->n_sites++];

	s->name = mem_strdup(string(j, "name", "main"));
	s->region = mem_strdup(string(j, "region", ""));
	s->time_zone = mem_strdup(string(j, "time_zone", "UTC"));
	s->language = mem_strdup(string(j, "language", "en"));
	s->weight = number(j, "weight", 1);
}

static void load_sites(struct fleet *f)
{
	const json_t *list = json_object_get(f->spec, "sites");
	size_t n = json_array_size(list);

	f->sites = mem_alloc((n + 1) * sizeof(*f->sites));
	for (size_t i = 0; i < n; i++)
		add_site(f, json_array_get(list, i));
	if (n == 0)
		add_site(f, NULL);
}

struct latency latency_from_json(const json_t *j, struct latency otherwise)
{
	return (struct latency){.login = number(j, "login_ms", otherwise.login),
		.page = number(j, "page_ms", otherwise.page),
		.export = number(j, "export_ms", otherwise.export),
		.import = number(j, "import_ms", otherwise.import),
		.jitter = number(j, "jitter_percent", otherwise.jitter)};
}

static void load_common(struct fleet *f)
{
	const json_t *credential = json_object_get(f->spec, "credential");
	const json_t *snmp = json_object_get(f->spec, "snmp");

	f->id = string(credential, "id", "7654321");
	f->pin = string(credential, "pin", "7654321");
	f->community_read = string(snmp, "read", "public");
	f->community_write = string(snmp, "write", "private");
	f->latency = latency_from_json(json_object_get(f->spec, "latency"),
		(struct latency){.login = 4, .page = 2, .export = 10, .import = 40, .jitter = 50});
	f->restart_ms = number(f->spec, "restart_ms", 5000);
	load_sites(f);
}

/* ---- devices ---- */

static const struct site *pick_site(const struct fleet *f, struct rng *r)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < f->n_sites; i++)
		sum += f->sites[i].weight;
	uint32_t at = sum ? rng_below(r, sum) : 0;
	for (size_t i = 0; i < f->n_sites; i++) {
		if (at < f->sites[i].weight)
			return &f->sites[i];
		at -= f->sites[i].weight;
	}
	return &f->sites[0];
}

static uint32_t language_index(const char *name)
{
	return strcmp(name, "fr") == 0 ? 1 : strcmp(name, "ja") == 0 ? 2 : 0;
}

static void device_init(struct sim *s, struct device *d, uint32_t index)
{
	struct fleet *f = &s->fleet;
	struct rng r = rng_of(f->seed, index, RNG_FLEET);
	static const char LETTERS[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";

	d->sim = s;
	d->index = index;
	d->site = pick_site(f, &r);
	d->language = language_index(d->site->language);
	d->family = family_pick(f, index);
	d->model = d->family->pick(d, &r);
	d->http_fd = d->snmp_fd = -1;
	for (size_t i = 0; i < array_len(d->fill); i++)
		d->fill[i] = -1;
	(void)snprintf(d->name, sizeof(d->name), "%.12s-%05u", d->site->name, index + 1);
	(void)snprintf(d->serial, sizeof(d->serial), "%c%c%c%05u", LETTERS[rng_below(&r, 24)],
		LETTERS[rng_below(&r, 24)], LETTERS[rng_below(&r, 24)], index + 1);
	list_init(&d->running);
}

static void device_reset(struct device *d)
{
	op_stop_all(d);
	book_forget(d);
	d->firmware[0] = '\0';
	if (d->family->reset)
		d->family->reset(d);
	d->fault = (struct fault_plan){.mp = MP_NONE};
	d->latency = d->sim->fleet.latency;
	d->passwords_open = false;
	d->config_changes = 1;
	d->boot_ms = clock_mono_ms();
	d->jitter = rng_of(d->sim->fleet.seed, d->index, RNG_LATENCY);
	memset(d->sessions, 0, sizeof(d->sessions));
	d->last_session = d->session_count = 0;
}

/* ---- what is wrong with whom: a seeded shuffle, taken from the front ---- */

struct deal {
	struct sim *sim;
	uint32_t *order;
	uint32_t at;
};

static bool fits(const struct device *d, const struct family *only, bool type_i)
{
	return (!only || d->family == only) && (!type_i || d->model->type == TYPE_I);
}

/* only NULL = of any family */
static struct device *deal_next(struct deal *deal, const struct family *only, bool type_i)
{
	struct fleet *f = &deal->sim->fleet;

	for (uint32_t i = deal->at; i < f->count; i++) {
		struct device *d = &f->devices[deal->order[i]];
		if (!fits(d, only, type_i))
			continue;
		uint32_t swap = deal->order[i];
		deal->order[i] = deal->order[deal->at];
		deal->order[deal->at++] = swap;
		return d;
	}
	return NULL;
}

static void deal_trait(struct deal *deal, const json_t *n, enum device_trait trait)
{
	for (uint32_t i = how_many(n, deal->sim->fleet.count); i > 0; i--) {
		bool canon = trait == TRAIT_RESTRICTED || trait == TRAIT_UNSUPPORTED;
		struct device *d = deal_next(
			deal, canon ? &family_canon_rui : NULL, trait == TRAIT_RESTRICTED);
		if (!d)
			return;
		d->traits |= (uint32_t)trait;
		if (trait == TRAIT_UNSUPPORTED)
			d->model = d->family->pick(d, NULL);
	}
}

static int deal_busy(struct deal *deal, const json_t *list, struct fault *reterr)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		const struct matrix_row *row = matrix_find(string(j, "op", ""));
		if (!row)
			return fault_set(reterr, CN_VALIDATION_FAILED, "busy: unknown operation");
		uint32_t n = how_many(json_object_get(j, "count"), deal->sim->fleet.count);
		for (; n > 0; n--) {
			struct device *d = deal_next(deal, NULL, false);
			if (!d)
				return 0;
			d->traits |= TRAIT_BUSY;
			(void)op_start(d, row->op, number(j, "seconds", 0));
		}
	}
	return 0;
}

static enum fault_at at_of(const char *name)
{
	return strcmp(name, "export") == 0    ? AT_EXPORT
	       : strcmp(name, "import") == 0  ? AT_IMPORT
	       : strcmp(name, "request") == 0 ? AT_REQUEST
					      : AT_CONNECT;
}

int fault_from_json(const json_t *j, struct fault_plan *ret_plan, struct fault *reterr)
{
	const char *mp = string(j, "mp", "");
	const json_t *probability = json_object_get(j, "probability");
	struct fault_plan plan = {.mp = hostile_parse(mp),
		.at = at_of(string(j, "at", "connect")),
		.per_mille = probability ? (uint32_t)(json_number_value(probability) * 1000) : 1000,
		.skip = number(j, "skip", 0),
		.times = number(j, "times", 0),
		.after_bytes = number(j, "after_bytes", 0)};

	if (plan.mp == MP_NONE && strcmp(mp, "none") != 0)
		return fault_set(reterr, CN_VALIDATION_FAILED, "unknown behaviour '%s'", mp);
	*ret_plan = plan;
	return 0;
}

static int deal_hostile(struct deal *deal, const json_t *list, struct fault *reterr)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct fault_plan plan;
		if (fault_from_json(j, &plan, reterr) < 0)
			return -1;
		uint32_t n = how_many(json_object_get(j, "count"), deal->sim->fleet.count);
		for (; n > 0; n--) {
			struct device *d = deal_next(deal, NULL, false);
			if (!d)
				return 0;
			d->traits |= TRAIT_HOSTILE;
			d->fault = plan;
		}
	}
	return 0;
}

static int deal_faults(struct sim *s, struct fault *reterr)
{
	const json_t *j = json_object_get(s->fleet.spec, "faults");
	struct rng r = rng_of(s->fleet.seed, 0, RNG_FAULTS);
	struct deal deal = {.sim = s, .order = mem_alloc(s->fleet.count * sizeof(uint32_t) + 1)};

	for (uint32_t i = 0; i < s->fleet.count; i++) {
		uint32_t k = rng_below(&r, i + 1);
		deal.order[i] = deal.order[k];
		deal.order[k] = i;
	}
	deal_trait(&deal, json_object_get(j, "unreachable"), TRAIT_UNREACHABLE);
	deal_trait(&deal, json_object_get(j, "wrong_password"), TRAIT_WRONG_PASSWORD);
	deal_trait(&deal, json_object_get(j, "unsupported"), TRAIT_UNSUPPORTED);
	deal_trait(&deal, json_object_get(j, "receive_restricted"), TRAIT_RESTRICTED);
	int rc = deal_busy(&deal, json_object_get(j, "busy"), reterr);
	if (rc == 0)
		rc = deal_hostile(&deal, json_object_get(j, "hostile"), reterr);
	free(deal.order);
	return rc;
}

/* ---- addresses ---- */

static int resolve(const char *host, struct in_addr *ret_a, struct fault *reterr)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	struct sockaddr_in in;

	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return fault_set(reterr, CN_NAME_UNRESOLVED, "no IPv4 address of %s", host);
	memcpy(&in, list->ai_addr, sizeof(in));
	*ret_a = in.sin_addr;
	freeaddrinfo(list);
	return 0;
}

/* "127.10.0.0": one address each, the family's ports (SNMP unprivileged); "HOST:PORT": one address,
 * a port each; a name is then what the map says. */
static int set_addresses(struct sim *s, struct fault *reterr)
{
	const char *colon = strchr(s->address_base, ':');
	size_t n = colon ? (size_t)(colon - s->address_base) : strlen(s->address_base);
	struct in_addr base = {0};

	(void)snprintf(s->host, sizeof(s->host), "%.*s", (int)n, s->address_base);
	if (resolve(s->host, &base, reterr) < 0)
		return -1;
	uint32_t port = colon ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
	if (colon && (port == 0 || port + s->fleet.count > 65536))
		return fault_set(reterr, CN_VALIDATION_FAILED, "no port for each of %u devices",
			s->fleet.count);
	if (!colon)
		s->host[0] = '\0';
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		/* .0 and .255 are nobody's */
		d->address = ntohl(base.s_addr) + (colon ? 0 : i / 250 * 256 + i % 250 + 1);
		d->http_port = colon ? (uint16_t)(port + i) : d->family->port;
		d->snmp_port = colon ? (uint16_t)(port + i) : 1161;
	}
	return 0;
}

static void index_names(struct sim *s)
{
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		(void)map_put(&s->by_name, d->name, strlen(d->name), d);
		(void)map_put(&s->by_name, d->serial, strlen(d->serial), d);
	}
}

int fleet_load(struct sim *s, const char *path, uint64_t seed, uint32_t count, struct fault *reterr)
{
	struct fleet *f = &s->fleet;
	json_error_t err;

	f->spec = *path ? json_load_file(path, JSON_REJECT_DUPLICATES, &err)
			: json_loads(EMPTY_SPEC, 0, &err);
	if (!f->spec)
		return fault_set(
			reterr, CN_VALIDATION_FAILED, "%s line %d: %s", path, err.line, err.text);
	f->seed = seed ? seed : number(f->spec, "seed", 1);
	f->count = count ? count : number(f->spec, "count", 20);
	load_common(f);
	f->devices = mem_alloc(f->count * sizeof(struct device));
	for (uint32_t i = 0; i < f->count; i++) {
		device_init(s, &f->devices[i], i);
		device_reset(&f->devices[i]);
	}
	index_names(s);
	if (set_addresses(s, reterr) < 0)
		return -1;
	return deal_faults(s, reterr);
}

int fleet_reset(struct sim *s, struct fault *reterr)
{
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		s->fleet.devices[i].traits = 0;
		device_reset(&s->fleet.devices[i]);
	}
	return deal_faults(s, reterr);
}

void fleet_free(struct sim *s)
{
	struct fleet *f = &s->fleet;

	for (uint32_t i = 0; f->devices && i < f->count; i++) {
		op_stop_all(&f->devices[i]);
		book_forget(&f->devices[i]);
		if (f->devices[i].family && f->devices[i].family->reset)
			f->devices[i].family->reset(&f->devices[i]);
	}
	for (size_t i = 0; i < f->n_sites; i++) {
		free(f->sites[i].name);
		free(f->sites[i].region);
		free(f->sites[i].time_zone);
		free(f->sites[i].language);
	}
	free(f->sites);
	free(f->devices);
	json_decref(f->spec);
	map_fini(&s->by_name);
	*f = (struct fleet){.spec = NULL};
}

struct device *device_find(const struct sim *s, const char *name)
{
	return map_get(&s->by_name, name, strlen(name));
}

const char *device_type_text(const struct device *d)
{
	static const char *const TYPES[] = {"none", "I", "II", "III"};

	return TYPES[d->model->type];
}
