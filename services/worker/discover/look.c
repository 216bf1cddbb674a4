// SPDX-License-Identifier: Apache-2.0
/* Looking: names, or who announces itself; then SNMP at these addresses; then IPP. */
#include <string.h>

#include "common/net/resolve.h"
#include "gen/errors.h"
#include "services/worker/discover/discover_priv.h"

#define DNS_SD "dns-sd" /* as the scheduler writes it */
#define RATE 100u
#define WAIT_MS 1000u
#define SNMP_PORT 161u
#define PLACES_MAX 512u /* to ask by IPP */
#define LOCKED_MAX 12u  /* named one by one */
#define NOBODY SIZE_MAX

/* Where it stands now; NOBODY: there is no room. */
static size_t keep(struct discover *d, struct m_candidate *c)
{
	c->pool = d->session->worker->config->pool;
	c->site = d->settings->site;
	for (size_t i = 0; i < d->n_found; i++)
		if (found_join(&d->session->errand, &d->found[i], c))
			return i;
	if (d->n_found == DISCOVER_FOUND_MAX) {
		d->left_out++;
		return NOBODY;
	}
	d->found[d->n_found] = *c;
	return d->n_found++;
}

static void on_moved(void *arg)
{
	((struct discover *)arg)->session->progress++;
}

static void on_entered(void *arg)
{
	on_moved(arg);
	session_enter(((struct discover *)arg)->session);
}

static void out_of_memory(struct discover *d)
{
	struct fault f = FAULT_INIT;

	(void)fault_set(&f, CN_INTERNAL_ERROR, "session memory is used up");
	session_fail(d->session, &f);
}

/* ---- by IPP: who announced it, who is a printer by SNMP, who stands in the list ---- */

static void add_place(struct discover *d, const struct ipp_place *one)
{
	for (size_t i = 0; i < d->n_places; i++) {
		const struct ipp_place *p = &d->places[i];
		if (p->port == one->port && p->tls == one->tls &&
			strcmp(p->address, one->address) == 0 && strcmp(p->path, one->path) == 0)
			return;
	}
	if (d->n_places < PLACES_MAX)
		d->places[d->n_places++] = *one;
	else
		d->left_out++;
}

/* The usual place, unless this address has said another one. */
static void add_usual_place(struct discover *d, const char *address, size_t of)
{
	for (size_t i = 0; i < d->n_places; i++)
		if (strcmp(d->places[i].address, address) == 0)
			return;
	add_place(d, &(struct ipp_place){.address = address,
			     .port = IPP_WHO_PORT,
			     .path = IPP_WHO_PATH,
			     .of = of,
			     .usual = true});
}

static bool is_found_at(const struct discover *d, const char *address)
{
	for (size_t i = 0; i < d->n_found; i++)
		if (strcmp(d->found[i].address, address) == 0)
			return true;
	return false;
}

/* A person wrote this very address: silence to SNMP is not the last word. */
static void add_listed(struct discover *d, const struct address *a)
{
	char text[ADDRESS_TEXT];
	const char *copy = arena_strdup(&d->session->arena, address_text(a, text));

	if (copy != NULL && order_place(&d->order, a) < d->order.n && !is_found_at(d, copy))
		add_usual_place(d, copy, NOBODY);
}

static void add_places(struct discover *d)
{
	struct address a;

	for (size_t i = 0; i < d->n_found; i++)
		if (d->found[i].printer)
			add_usual_place(d, d->found[i].address, i);
	for (size_t i = 0; i < d->settings->addresses_n; i++)
		if (address_parse(d->settings->addresses[i], &a))
			add_listed(d, &a);
	for (size_t i = 0; i < d->n_named; i++)
		add_listed(d, &d->named[i]);
}

/* What a device of this needs to know to come back the same way. */
static void put_seen(struct discover *d, const struct ipp_seen *seen, struct m_candidate *c)
{
	const struct m_port port = {.service = "ipps", .port = seen->port};

	if (!seen->tls)
		return;
	c->tls_pin = arena_strdup(&d->session->arena, seen->pin);
	if (seen->port == IPP_WHO_PORT)
		return;
	c->ports = arena_dup(&d->session->arena, &port, sizeof(port));
	c->ports_n = c->ports == NULL ? 0 : 1;
}

static void on_ipp(void *arg, const struct ipp_place *place, const struct ipp_seen *seen,
	const struct ipp_identity *said)
{
	static const char *const by[] = {"ipp"};
	struct discover *d = arg;
	const struct errand *e = &d->session->errand;
	struct m_candidate c = {.address = place->address, .found_by = by, .found_by_n = 1};
	struct address a;

	d->ipp_answered++;
	if (address_parse(place->address, &a) && order_place(&d->order, &a) < d->order.n)
		c.simulated = d->order.simulated[order_place(&d->order, &a)];
	put_seen(d, seen, &c);
	found_ipp(e, said, &c);
	if (place->of == NOBODY || !found_add(e, &d->found[place->of], &c))
		(void)keep(d, &c);
}

static void on_ipp_done(void *arg)
{
	struct discover *d = arg;

	d->ipp = NULL;
	discover_report(d);
}

static void ask_by_ipp(struct discover *d)
{
	struct session *s = d->session;

	add_places(d);
	if (d->n_places == 0) {
		discover_report(d);
		return;
	}
	s->step = STEP_SCAN;
	d->ipp = ipp_who_start(&(struct ipp_who_order){.http = s->worker->http,
		.arena = &s->arena,
		.places = d->places,
		.n = d->n_places,
		.arg = d,
		.found = on_ipp,
		.done = on_ipp_done,
		.enter = on_entered,
		.leave = session_leave});
}

/* ---- by SNMP ---- */

static void on_found(void *arg, size_t target, size_t credential, const struct scan_answer *answer)
{
	static const char *const by[] = {"snmp"};
	struct discover *d = arg;
	char text[ADDRESS_TEXT];
	struct m_candidate c = {.found_by = by,
		.found_by_n = 1,
		.simulated = d->order.simulated[target],
		.credential = d->credential_ids[credential]};

	c.address = arena_strdup(&d->session->arena, address_text(&d->order.targets[target], text));
	if (d->port.port != SNMP_PORT) {
		c.ports = &d->port;
		c.ports_n = 1;
	}
	found_snmp(&d->session->errand, answer, &c);
	if (c.address != NULL)
		(void)keep(d, &c);
}

/* A printer, perhaps: somebody may want to name the right user. */
static void on_locked(void *arg, size_t target)
{
	struct discover *d = arg;
	char text[ADDRESS_TEXT];

	if (++d->locked <= LOCKED_MAX)
		discover_note(d, address_text(&d->order.targets[target], text), "snmp_locked", 0);
}

static void on_scanned(void *arg, const struct scan_counts *counts, const struct fault *f)
{
	struct discover *d = arg;
	struct session *s = d->session;

	d->scan = NULL;
	d->counts = *counts;
	session_enter(s);
	if (f != NULL)
		session_fail(s, f);
	else
		ask_by_ipp(d);
	session_leave();
}

static void scan_all(struct discover *d)
{
	const struct scan_order order = {.targets = d->order.targets,
		.n = d->order.n,
		.credentials = d->credentials,
		.n_credentials = d->n_credentials,
		.port = (uint16_t)d->port.port,
		.rate = d->settings->rate == 0 ? RATE : (uint32_t)d->settings->rate,
		.wait_ms = WAIT_MS,
		.arg = d,
		.found = on_found,
		.locked = on_locked,
		.moved = on_moved,
		.done = on_scanned};
	struct fault f = FAULT_INIT;

	if (d->order.n == 0 && d->order.refused_addresses > 0) {
		(void)fault_why(&f, CN_ADDRESS_REFUSED, "outside",
			"%s is not in device_networks, the networks where printers are",
			d->order.n_refused > 0 ? d->order.refused[0] : "it");
		session_fail(d->session, &f);
		return;
	}
	d->session->step = STEP_SCAN;
	if (d->order.n == 0 || d->n_credentials == 0)
		ask_by_ipp(d);
	else
		d->scan = scan_start(d->session->worker->service->loop, &order);
}

/* ---- by DNS-SD ---- */

static bool on_question(void *arg, bool all, struct dns_query *q)
{
	on_moved(arg);
	return announced_ask(&((struct discover *)arg)->announced, all, q);
}

static int on_announcement(void *arg, struct span datagram, int id)
{
	struct discover *d = arg;

	on_entered(d);
	int r = announced_take(&d->announced, datagram, id);
	session_leave();
	return r;
}

static void keep_announced(struct discover *d, size_t i)
{
	struct m_candidate c;
	enum announced_verdict v = announced_candidate(&d->announced, i, &d->order, &c);
	const char *path;
	size_t at;

	if (v == ANNOUNCED_REFUSED && c.address != NULL)
		order_refuse(&d->order, c.address);
	if (v != ANNOUNCED_FOUND || (at = keep(d, &c)) == NOBODY)
		return;
	path = announced_ipp_path(&d->announced, i, c.simulated);
	if (path != NULL)
		add_place(d, &(struct ipp_place){.address = c.address,
				     .port = d->announced.instances[i].port,
				     .path = path,
				     .of = at,
				     .tls = announced_tls(&d->announced, i)});
}

static void on_announced(void *arg, const struct dns_sd_counts *counts, const struct fault *f)
{
	struct discover *d = arg;
	struct session *s = d->session;

	session_enter(s);
	d->dns_sd = NULL;
	d->dns_counts = *counts;
	for (size_t i = 0; i < d->announced.n_instances; i++)
		keep_announced(d, i);
	if (f != NULL)
		session_fail(s, f);
	else
		scan_all(d);
	session_leave();
}

static void hear(struct discover *d)
{
	struct session *s = d->session;

	announced_begin(&d->announced, &s->errand, d->settings->services, d->settings->services_n);
	s->step = STEP_SCAN;
	d->dns_sd = dns_sd_start(
		s->worker->service->loop, &(struct dns_sd_order){.rules = &s->worker->rules,
						  .arg = d,
						  .question = on_question,
						  .answer = on_announcement,
						  .done = on_announced});
}

/* ---- the names of a list ---- */

static void next_name(struct discover *d);

static void on_name(void *arg, const char *ip, const struct fault *f)
{
	struct discover *d = arg;
	struct session *s = d->session;
	const char *name = d->order.names[d->resolved++];
	struct address a;

	session_enter(s);
	if (!steps_ended(s)) {
		if (f != NULL && f->code == CN_ADDRESS_REFUSED)
			order_refuse(&d->order, name);
		else if (f != NULL)
			discover_note(d, name, "unresolved", 0);
		else if (address_parse(ip, &a) && !order_add(&d->order, &a))
			discover_note(d, name, "refused", 0);
		else if (address_parse(ip, &a))
			d->named[d->n_named++] = a;
		next_name(d);
	}
	session_leave();
}

/* One after the other; then the scan. */
static void next_name(struct discover *d)
{
	struct session *s = d->session;

	if (d->resolved == d->order.n_names) {
		scan_all(d);
		return;
	}
	s->step = STEP_ASKED;
	resolve(s->worker->service->loop, d->order.names[d->resolved], &s->worker->rules, true,
		on_name, d);
}

void discover_look(struct discover *d)
{
	struct session *s = d->session;
	struct fault f = FAULT_INIT;

	d->order = (struct order){
		.rules = &s->worker->rules, .settings = d->settings, .arena = &s->arena};
	d->places = arena_array(&s->arena, PLACES_MAX, sizeof(*d->places));
	d->named = arena_array(&s->arena, SCAN_TARGETS_MAX, sizeof(*d->named));
	if (d->places == NULL || d->named == NULL)
		out_of_memory(d);
	else if (strcmp(s->job->device->address, DNS_SD) == 0)
		hear(d);
	else if (order_read(&d->order, s->job->device->address, &f) < 0)
		session_fail(s, &f);
	else
		next_name(d);
}
