// SPDX-License-Identifier: Apache-2.0
/* Printers that announce themselves. Pure. */
#include "services/worker/discover/announced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/worker/discover/ipp_who.h"

#define PATH_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.~-+%"

static const char *const usual[] = {
	"_ipp._tcp", "_ipps._tcp", "_printer._tcp", "_pdl-datastream._tcp", "_uscan._tcp"};

void announced_begin(
	struct announced *a, const struct errand *e, const char *const *types, size_t n)
{
	*a = (struct announced){.e = e,
		.types = n == 0 ? usual : types,
		.instances = mem_alloc(ANNOUNCED_MAX * sizeof(struct instance)),
		.hosts = mem_alloc(ANNOUNCED_HOSTS_MAX * sizeof(struct host))};
	n = n == 0 ? array_len(usual) : n;
	for (size_t i = 0; i < n && i < array_len(a->services); i++) {
		char name[80];
		(void)snprintf(name, sizeof(name), "%.64s.local", a->types[i]);
		if (dns_name_of(name, &a->services[a->n_services]))
			a->n_services++;
	}
}

void announced_end(struct announced *a)
{
	free(a->instances);
	free(a->hosts);
	*a = (struct announced){.n_instances = 0};
}

/* ---- records ---- */

static struct instance *instance_named(struct announced *a, const struct dns_name *name)
{
	for (size_t i = 0; i < a->n_instances; i++)
		if (dns_name_eq(&a->instances[i].name, name))
			return &a->instances[i];
	return NULL;
}

static struct host *host_named(const struct announced *a, const struct dns_name *name)
{
	for (size_t i = 0; i < a->n_hosts; i++)
		if (dns_name_eq(&a->hosts[i].name, name))
			return &a->hosts[i];
	return NULL;
}

/* A service says of itself that there is this instance; of other services nobody was asked. */
static void take_pointer(struct announced *a, const struct dns_record *r)
{
	bug_if(a->instances == NULL);
	for (size_t i = 0; i < a->n_services; i++) {
		if (!dns_name_eq(&r->name, &a->services[i]) ||
			dns_name_first(&r->target, &a->services[i]).p == NULL ||
			instance_named(a, &r->target) != NULL)
			continue;
		if (a->n_instances == ANNOUNCED_MAX)
			a->left_out++;
		else
			a->instances[a->n_instances++] =
				(struct instance){.name = r->target, .service = i};
	}
}

static const char *text_of(const struct announced *a, struct span txt, const char *key, size_t max)
{
	struct span value = dns_txt(txt, key);

	return value.n == 0 ? NULL : errand_text(a->e, value.p, value.n, max);
}

static void take_txt(struct announced *a, const struct dns_record *r)
{
	struct instance *i = instance_named(a, &r->name);

	if (i == NULL || i->txt)
		return;
	i->txt = true;
	i->kind = text_of(a, r->data, "ty", 64);
	if (i->kind == NULL)
		i->kind = text_of(a, r->data, "usb_MDL", 64);
	i->maker = text_of(a, r->data, "usb_MFG", 64);
	i->uuid = text_of(a, r->data, "UUID", 64);
	if (i->uuid != NULL && strncasecmp(i->uuid, "urn:uuid:", 9) == 0)
		i->uuid += 9;
	i->note = text_of(a, r->data, "note", 128);
	i->path = text_of(a, r->data, "rp", 119);
}

static void take_host(struct announced *a, const struct dns_name *name)
{
	if (host_named(a, name) != NULL)
		return;
	if (a->n_hosts == ANNOUNCED_HOSTS_MAX)
		a->left_out++;
	else
		a->hosts[a->n_hosts++] = (struct host){.name = *name};
}

static void take_server(struct announced *a, const struct dns_record *r)
{
	struct instance *i = instance_named(a, &r->name);

	if (i == NULL || i->port != 0 || r->port == 0)
		return;
	i->port = r->port;
	i->host = r->target;
	take_host(a, &r->target);
}

/* What is local to a link cannot be kept as an address. */
static void take_address(struct announced *a, const struct dns_record *r)
{
	struct host *h = host_named(a, &r->name);
	struct address one = {.v6 = r->type == DNS_AAAA};

	if (h == NULL || h->n == ANNOUNCED_ADDRESSES ||
		(one.v6 && r->data.p[0] == 0xfe && (r->data.p[1] & 0xc0) == 0x80))
		return;
	memcpy(one.b, r->data.p, r->data.n);
	for (size_t i = 0; i < h->n; i++)
		if (memcmp(&h->address[i], &one, sizeof(one)) == 0)
			return;
	h->address[h->n++] = one;
}

/* A record may stand before the one that makes it one of ours: they are taken in this order. */
struct pass {
	struct announced *a; /* NULL: a first look */
	enum dns_type type;
};

static void take(void *arg, const struct dns_record *r)
{
	const struct pass *p = arg;

	if (p->a == NULL || r->type != p->type)
		return;
	switch (r->type) {
	case DNS_PTR:
		take_pointer(p->a, r);
		break;
	case DNS_SRV:
		take_server(p->a, r);
		break;
	case DNS_TXT:
		take_txt(p->a, r);
		break;
	case DNS_A:
	case DNS_AAAA:
		take_address(p->a, r);
		break;
	}
}

int announced_take(struct announced *a, struct span datagram, int id)
{
	static const enum dns_type order[] = {DNS_PTR, DNS_SRV, DNS_TXT, DNS_A, DNS_AAAA};
	struct pass nobody = {.a = NULL};

	if (dns_read(datagram, id, take, &nobody) < 0)
		return -1;
	for (size_t i = 0; i < array_len(order); i++) {
		struct pass p = {.a = a, .type = order[i]};
		bug_if(dns_read(datagram, id, take, &p) < 0);
	}
	return 0;
}

/* ---- what is still to be asked ---- */

/* Those of one instance; false: no room. */
static bool ask_of(const struct announced *a, const struct instance *one, struct dns_query *q)
{
	const struct host *h = one->port == 0 ? NULL : host_named(a, &one->host);

	if (one->port == 0 && !dns_query_add(q, &one->name, DNS_SRV))
		return false;
	if (!one->txt && !dns_query_add(q, &one->name, DNS_TXT))
		return false;
	return h == NULL || h->n > 0 ||
	       (dns_query_add(q, &h->name, DNS_A) && dns_query_add(q, &h->name, DNS_AAAA));
}

bool announced_ask(struct announced *a, bool all, struct dns_query *q)
{
	for (size_t i = 0; all && i < a->n_services; i++)
		(void)dns_query_add(q, &a->services[i], DNS_PTR); /* 16 of 64 bytes always fit */
	for (size_t i = 0; i < a->n_instances; i++) {
		size_t at = (a->asked + i) % a->n_instances;
		if (!ask_of(a, &a->instances[at], q)) {
			a->asked = at;
			break;
		}
	}
	return q->questions > 0;
}

/* ---- candidates ---- */

/* IPv4 before IPv6, where both may be asked. */
static const struct address *address_to_ask(const struct host *h, const struct order *may)
{
	const struct address *best = NULL;

	for (size_t i = 0; i < h->n; i++) {
		struct fault f = FAULT_INIT;
		bool simulated;
		if (address_may_look(&h->address[i], may->rules, &simulated, &f) == 0 &&
			!order_excludes(may->settings, &h->address[i]) &&
			(best == NULL || (best->v6 && !h->address[i].v6)))
			best = &h->address[i];
	}
	return best;
}

bool announced_tls(const struct announced *a, size_t i)
{
	return strcasecmp(a->types[a->instances[i].service], "_ipps._tcp") == 0;
}

static bool is_ipp(const struct announced *a, const struct instance *one)
{
	return strcasecmp(a->types[one->service], "_ipp._tcp") == 0 ||
	       announced_tls(a, (size_t)(one - a->instances));
}

static void put_port(const struct announced *a, const struct instance *one, struct m_candidate *ret)
{
	bool tls = announced_tls(a, (size_t)(one - a->instances));
	struct m_port port = {.service = tls ? "ipps" : "ipp", .port = one->port};

	if (!is_ipp(a, one) || one->port == IPP_WHO_PORT)
		return;
	ret->ports = arena_dup(a->e->arena, &port, sizeof(port));
	ret->ports_n = ret->ports == NULL ? 0 : 1;
}

static void put_texts(
	const struct announced *a, const struct instance *one, struct m_candidate *ret)
{
	struct span label = dns_name_first(&one->name, &a->services[one->service]);
	const char *path;

	ret->name = errand_text(a->e, label.p, label.n, 64);
	ret->model = one->kind;
	ret->device_uuid = one->uuid;
	ret->location = one->note;
	ret->vendor = found_vendor(one->maker, &ret->family);
	if (ret->vendor == NULL)
		ret->vendor = found_vendor(one->kind, &ret->family);
	if (ret->vendor == NULL)
		ret->vendor = one->maker;
	path = announced_ipp_path(a, (size_t)(one - a->instances), true);
	if (path != NULL && strcmp(path, IPP_WHO_PATH) != 0)
		ret->ipp_path = arena_printf(a->e->arena, "/%s", path);
}

enum announced_verdict announced_candidate(
	const struct announced *a, size_t i, struct order *may, struct m_candidate *ret)
{
	static const char *const by[] = {"dns_sd"};
	const struct instance *one = &a->instances[i];
	const struct host *h = one->port == 0 ? NULL : host_named(a, &one->host);
	const struct address *address;
	char text[ADDRESS_TEXT];

	*ret = (struct m_candidate){.found_by = by, .found_by_n = 1, .printer = true};
	if (h == NULL || h->n == 0)
		return ANNOUNCED_PARTLY;
	address = address_to_ask(h, may);
	ret->address = arena_strdup(
		a->e->arena, address_text(address == NULL ? &h->address[0] : address, text));
	if (address == NULL)
		return order_excludes(may->settings, &h->address[0]) ? ANNOUNCED_PARTLY
								     : ANNOUNCED_REFUSED;
	if (ret->address == NULL || !order_add(may, address))
		return ANNOUNCED_PARTLY;
	ret->simulated = may->simulated[order_place(may, address)];
	ret->services = &a->types[one->service];
	ret->services_n = 1;
	put_port(a, one, ret);
	put_texts(a, one, ret);
	return ANNOUNCED_FOUND;
}

static bool port_of_http(unsigned port)
{
	return port == IPP_WHO_PORT || port == 80 || port == 443 || (port >= 8000 && port < 9000);
}

const char *announced_ipp_path(const struct announced *a, size_t i, bool simulated)
{
	const struct instance *one = &a->instances[i];
	const char *path = one->path == NULL ? IPP_WHO_PATH : one->path;

	if (!is_ipp(a, one) || (!simulated && !port_of_http(one->port)) ||
		strspn(path, PATH_BYTES) != strlen(path))
		return NULL;
	return path[0] == '/' ? path + 1 : path;
}
