// SPDX-License-Identifier: Apache-2.0
/* Addresses that nobody we speak to may have: our own, the cloud's, everybody's. */
#include "common/net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

struct refused_net {
	const char *cidr;
	const char *kind;
};

static const struct refused_net refused4[] = {
	{"0.0.0.0/8", "unspecified"}, {"127.0.0.0/8", "loopback"},
	{"169.254.0.0/16", "link_local"}, /* with the clouds' 169.254.169.254 */
	{"100.100.100.200/32", "metadata"}, {"168.63.129.16/32", "metadata"},
	{"100.64.0.0/10", "shared"}, {"192.0.0.0/24", "protocol"},
	{"192.0.2.0/24", "documentation"}, {"198.51.100.0/24", "documentation"},
	{"203.0.113.0/24", "documentation"}, {"198.18.0.0/15", "benchmark"},
	{"224.0.0.0/4", "multicast"},
	{"240.0.0.0/4", "broadcast"}, /* reserved, and 255.255.255.255 */
};

static const struct refused_net refused6[] = {
	{"::1/128", "loopback"},
	{"::/128", "unspecified"},
	{"::ffff:0:0/96", "mapped"}, /* v4 in another spelling */
	{"::/96", "mapped"},
	{"64:ff9b::/96", "nat64"},
	{"64:ff9b:1::/48", "nat64"},
	{"2002::/16", "6to4"},
	{"2001::/32", "teredo"},
	{"100::/64", "discard"},
	{"2001:db8::/32", "documentation"},
	{"fe80::/10", "link_local"},
	{"fd00:ec2::254/128", "metadata"},
	{"fec0::/10", "site_local"},
	{"ff00::/8", "multicast"},
};

bool address_parse(const char *text, struct address *ret)
{
	struct address a = {.v6 = false};

	if (inet_pton(AF_INET, text, a.b) != 1) {
		a.v6 = true;
		if (inet_pton(AF_INET6, text, a.b) != 1)
			return false;
	}
	*ret = a;
	return true;
}

char *address_text(const struct address *a, char text[static ADDRESS_TEXT])
{
	bug_if(!inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->b, text, ADDRESS_TEXT));
	return text;
}

bool address_in(const struct address *a, const struct network *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (a->v6 != net->base.v6 || memcmp(a->b, net->base.b, whole) != 0)
		return false;
	return rest == 0 || (a->b[whole] ^ net->base.b[whole]) >> (8 - rest) == 0;
}

static bool network_parse(const char *text, struct network *ret)
{
	char base[ADDRESS_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char *end;
	unsigned long bits;

	if (n >= sizeof(base))
		return false;
	memcpy(base, text, n);
	base[n] = 0;
	if (!address_parse(base, &ret->base))
		return false;
	ret->bits = ret->base.v6 ? 128 : 32;
	if (!slash)
		return true;
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || slash[1] < '0' || slash[1] > '9' || bits > ret->bits)
		return false;
	ret->bits = (unsigned)bits;
	return true;
}

static int read_nets(const char *setting, const char *list, struct network *nets, size_t *ret_n,
	struct fault *reterr)
{
	char copy[4097], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *part = strtok_r(copy, ", ", &save); part; part = strtok_r(NULL, ", ", &save)) {
		if (*ret_n == ADDRESS_NETS)
			return fault_set(reterr, CN_VALIDATION_FAILED, "%s: more than %d networks",
				setting, ADDRESS_NETS);
		if (!network_parse(part, &nets[*ret_n]))
			return fault_set(reterr, CN_VALIDATION_FAILED, "%s: %s is not a network",
				setting, part);
		(*ret_n)++;
	}
	return 0;
}

int address_nets(
	const char *setting, const char *list, struct address_rules *ret, struct fault *reterr)
{
	ret->nothing = strcmp(list, "none") == 0;
	return ret->nothing ? 0 : read_nets(setting, list, ret->nets, &ret->n_nets, reterr);
}

int address_device_nets(
	const char *setting, const char *list, struct address_rules *ret, struct fault *reterr)
{
	return read_nets(setting, list, ret->devices, &ret->n_devices, reterr);
}

/* The kind of refused address and its network, NULL = an ordinary one. */
static const char *refused_kind(const struct address *a, struct network *ret)
{
	const struct refused_net *nets = a->v6 ? refused6 : refused4;
	size_t n = a->v6 ? array_len(refused6) : array_len(refused4);

	for (size_t i = 0; i < n; i++) {
		bug_if(!network_parse(nets[i].cidr, ret));
		if (address_in(a, ret))
			return nets[i].kind;
	}
	return NULL;
}

/* Named by itself: one that is wider than what is refused does not mean it. */
static bool named(const struct address *a, const char *kind, const struct network *refused,
	const struct address_rules *rules)
{
	if (rules->allow_loopback && strcmp(kind, "loopback") == 0)
		return true;
	for (size_t i = 0; i < rules->n_nets; i++)
		if (rules->nets[i].bits >= refused->bits && address_in(a, &rules->nets[i]))
			return true;
	return false;
}

static bool in_nets(const struct address *a, const struct network *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address_in(a, &nets[i]))
			return true;
	return false;
}

static bool allowed(const struct address *a, const struct address_rules *rules)
{
	if (rules->only && rules->nothing)
		return false;
	return !rules->only || rules->n_nets == 0 || in_nets(a, rules->nets, rules->n_nets);
}

static int refuse_outside(const struct address *a, struct fault *reterr)
{
	char text[ADDRESS_TEXT];

	return fault_why(reterr, CN_ADDRESS_REFUSED, "outside",
		"%s is not in device_networks, the networks where printers are",
		address_text(a, text));
}

int address_may_look(const struct address *a, const struct address_rules *rules,
	bool *ret_simulated, struct fault *reterr)
{
	struct network refused;
	const char *kind = refused_kind(a, &refused);

	*ret_simulated = kind == NULL ? in_nets(a, rules->nets, rules->n_nets)
				      : named(a, kind, &refused, rules);
	if (*ret_simulated || (kind == NULL && in_nets(a, rules->devices, rules->n_devices)))
		return 0;
	return refuse_outside(a, reterr);
}

int address_check(const struct address *a, const struct address_rules *rules, bool simulated,
	struct fault *reterr)
{
	struct network refused;
	const char *kind = refused_kind(a, &refused);
	char text[ADDRESS_TEXT];

	if (kind == NULL && rules->n_devices > 0 && !in_nets(a, rules->devices, rules->n_devices) &&
		!(simulated && in_nets(a, rules->nets, rules->n_nets)))
		return refuse_outside(a, reterr);
	if (kind == NULL ? allowed(a, rules) : simulated && named(a, kind, &refused, rules))
		return 0;
	if (kind == NULL)
		return fault_why(reterr, CN_ADDRESS_REFUSED, "not_allowed",
			"%s is in none of the networks that are allowed", address_text(a, text));
	return fault_why(reterr, CN_ADDRESS_REFUSED, kind,
		"%s is a %s address: nothing may be there%s", address_text(a, text), kind,
		simulated ? " unless its network is among those that are allowed" : "");
}
