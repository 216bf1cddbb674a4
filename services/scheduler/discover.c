// SPDX-License-Identifier: Apache-2.0
/* Where a discovery looks. */
#include "services/scheduler/discover.h"

#include <string.h>

#include "common/net/range.h"
#include "gen/errors.h"
#include "services/scheduler/kind.h"

#define SERVICE_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

static int refuse(struct fault *err, const char *reason, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, reason, "settings.discover%s", what);
}

static bool plain_address(const char *s)
{
	struct fault f = FAULT_INIT;
	struct ip_range r;

	return strpbrk(s, "/-") == NULL && range_parse(s, &r, &f) == 0;
}

/* A host name has a letter in its last part: 10.1.0.300 is neither. */
static bool name_good(const char *s)
{
	const char *dot = strrchr(s, '.');

	return *s != '\0' && *s != '-' && *s != '.' && strspn(s, NAME_BYTES) == strlen(s) &&
	       strspn(dot == NULL ? s : dot + 1, "0123456789") < strlen(dot == NULL ? s : dot + 1);
}

static int check_addresses(const struct m_discovery *d, struct fault *err)
{
	for (size_t i = 0; i < d->addresses_n; i++) {
		if (!plain_address(d->addresses[i]) && !name_good(d->addresses[i]))
			return fault_why(err, CN_VALIDATION_FAILED, "address",
				"settings.discover.addresses[%zu]: '%.96s' is no address and no "
				"name",
				i, d->addresses[i]);
	}
	return 0;
}

/* "_ipp._tcp" (RFC 6763 section 7); printers are reached by TCP. */
static bool service_good(const char *s)
{
	size_t n = *s == '_' ? strspn(s + 1, SERVICE_BYTES) : 0;

	return n > 0 && n <= 15 && strcmp(s + 1 + n, "._tcp") == 0;
}

static int check_services(const struct m_discovery *d, struct fault *err)
{
	for (size_t i = 0; i < d->services_n; i++) {
		if (!service_good(d->services[i]))
			return fault_why(err, CN_VALIDATION_FAILED, "unknown_word",
				"settings.discover.services[%zu]: '%.64s' is no service like "
				"_ipp._tcp",
				i, d->services[i]);
	}
	if (d->services_n > 0 && !d->dns_sd)
		return refuse(err, "out_of_place", ".services: only dns_sd hears of services");
	return 0;
}

static bool has_targets(const struct m_targets *t)
{
	return t->all || t->devices_n > 0 || t->groups_n > 0 || t->filter != NULL;
}

int discover_check(const struct m_task *t, struct arena *arena, struct fault *reterr)
{
	const struct m_discovery *d = t->settings->discover;
	struct slice *list;
	size_t n;

	if (!kind_discovers(t->kind))
		return d == NULL ? 0
				 : refuse(reterr, "out_of_place",
					   ": only device.discover looks for "
					   "devices");
	if (has_targets(t->targets))
		return fault_why(reterr, CN_VALIDATION_FAILED, "out_of_place",
			"targets: a discovery has none; settings.discover says where it looks");
	if (d == NULL || (d->ranges_n == 0 && d->addresses_n == 0 && !d->dns_sd))
		return !t->active ? 0 /* the built-in one is off */
				  : refuse(reterr, "required",
					    ": ranges, addresses or dns_sd: where to look?");
	return check_addresses(d, reterr) < 0 || check_services(d, reterr) < 0 ||
			       discover_slices(d, arena, &list, &n, reterr) < 0
		       ? -1
		       : 0;
}

/* Numeric ones are ranges of one; names stay names. */
static void sort_out(const struct m_discovery *d, const char **ranges, size_t *ret_ranges,
	const char **names, size_t *ret_names)
{
	*ret_ranges = *ret_names = 0;
	for (size_t i = 0; i < d->ranges_n; i++)
		ranges[(*ret_ranges)++] = d->ranges[i];
	for (size_t i = 0; i < d->addresses_n; i++) {
		if (plain_address(d->addresses[i]))
			ranges[(*ret_ranges)++] = d->addresses[i];
		else
			names[(*ret_names)++] = d->addresses[i];
	}
}

/* One worker of each pool hears who announces itself on its networks. */
static size_t add_networks(const struct m_discovery *d, struct slice *list, struct arena *arena)
{
	size_t n = d->pools_n == 0 ? 1 : d->pools_n;

	for (size_t i = 0; i < n; i++) {
		const char *pool = d->pools_n == 0 ? "" : d->pools[i];
		list[i] = (struct slice){
			.name = *pool == '\0' ? "DNS-SD"
					      : arena_printf(arena, "DNS-SD of pool %.100s", pool),
			.where = DISCOVER_DNS_SD,
			.pool = pool};
	}
	return n;
}

int discover_slices(const struct m_discovery *d, struct arena *arena, struct slice **ret_list,
	size_t *ret_n, struct fault *reterr)
{
	const char **texts = arena_array(arena, d->ranges_n + d->addresses_n + 1, sizeof(*texts));
	const char **names = arena_array(arena, d->addresses_n + 1, sizeof(*names));
	struct range_list in = {.member = "settings.discover.ranges", .text = texts};
	const struct range_list out = {"settings.discover.exclude", d->exclude, d->exclude_n};
	size_t n_names, n_ranges, n_pieces = 0;
	struct ip_range *ranges;

	if (texts == NULL || names == NULL)
		return refuse(reterr, "too_many", ": too many addresses");
	sort_out(d, texts, &in.n, names, &n_names);
	if (ranges_make(&in, &out, arena, &ranges, &n_ranges, reterr) < 0)
		return -1;
	const char **pieces = ranges_slice(ranges, n_ranges, names, n_names, arena, &n_pieces);
	struct slice *list = arena_array(arena, n_pieces + d->pools_n + 1, sizeof(*list));
	if (pieces == NULL || list == NULL)
		return refuse(reterr, "too_many", ": too many addresses");
	for (size_t i = 0; i < n_pieces; i++)
		list[i] = (struct slice){.name = arena_printf(arena, "%.*s%s", 120, pieces[i],
						 strlen(pieces[i]) > 120 ? " …" : ""),
			.where = pieces[i],
			.pool = d->pools_n == 0 ? "" : d->pools[0]};
	*ret_n = n_pieces + (d->dns_sd ? add_networks(d, list + n_pieces, arena) : 0);
	*ret_list = list;
	return 0;
}
