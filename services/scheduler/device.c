// SPDX-License-Identifier: Apache-2.0
/* Rules for the record of a device. */
#include "services/scheduler/device.h"

#include <string.h>

#include "common/clock/zone.h"
#include "gen/errors.h"

static int refuse(struct fault *err, const char *reason, const char *what)
{
	return fault_why(err, CN_VALIDATION_FAILED, reason, "%s", what);
}

static bool empty(const char *s)
{
	return s == NULL || *s == '\0';
}

/* A host name or an IP address: nothing that could be more than that. */
static bool address_good(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:%") ==
	       strlen(s);
}

static int check_lists(const struct m_device *d, struct fault *err)
{
	static const char *const services[] = {"http", "https", "ipp", "ipps", "snmp", "ftp"};

	for (size_t i = 0; i < d->ports_n; i++) {
		bool known = false;
		for (size_t k = 0; k < array_len(services); k++)
			known |= strcmp(services[k], d->ports[i].service) == 0;
		if (!known || d->ports[i].port == 0)
			return refuse(err, "unknown_word",
				"ports: of http https ipp ipps snmp ftp, from 1");
	}
	for (size_t i = 0; i < d->labels_n; i++) {
		if (empty(d->labels[i].key))
			return refuse(err, "required", "labels: a label needs a key");
	}
	return 0;
}

/* Given at all when it is made, never empty. */
static int check_required(const char *member, const char *value, bool create, struct fault *err)
{
	if (value == NULL ? !create : *value != '\0')
		return 0;
	return fault_why(err, CN_VALIDATION_FAILED, "required", "%s: it is missing", member);
}

bool name_is_id(const char *name)
{
	struct uuid id;

	return uuid_parse(name, &id) == 0;
}

int device_check(const struct m_device *d, bool create, struct fault *reterr)
{
	if (check_required("name", d->name, create, reterr) < 0 ||
		check_required("family", d->family, create, reterr) < 0 ||
		check_required("address", d->address, create, reterr) < 0)
		return -1;
	if (d->name != NULL && name_is_id(d->name))
		return refuse(reterr, "name_is_id", "name: it looks like an id");
	if (d->address != NULL && !address_good(d->address))
		return refuse(reterr, "address", "address: a host name or an IP address is wanted");
	if (!empty(d->time_zone) && zone_find(d->time_zone) == NULL)
		return refuse(reterr, "time_zone", "time_zone: not an IANA zone");
	return check_lists(d, reterr);
}

int device_trust_check(
	const struct m_device *d, const char *pin, bool unproven, bool admin, struct fault *reterr)
{
	if (*pin != '\0' && d->tls_pin != NULL && strcmp(d->tls_pin, pin) != 0)
		return fault_why(reterr, CN_PERMISSION_DENIED, "tls_pin_kept",
			"tls_pin: another key than the one that is trusted needs two people: "
			"repin");
	if (d->allow_unproven && !unproven && !admin)
		return fault_why(reterr, CN_PERMISSION_DENIED, "allow_unproven",
			"allow_unproven: this needs the role admin");
	return 0;
}

int device_repin_check(const char *proposed, const char *by, bool fresh, const char *pin,
	const char *person, struct fault *reterr)
{
	if (*proposed == '\0' || strcmp(proposed, pin) != 0)
		return fault_why(
			reterr, CN_CONFLICT, "no_repin", "tls_pin: nobody proposed this key");
	if (strcmp(by, person) == 0)
		return fault_why(reterr, CN_CONFLICT, "repin_second_person",
			"who proposed it cannot approve it: a second person must");
	if (!fresh)
		return fault_why(reterr, CN_CONFLICT, "order_expired",
			"nobody approved it within 7 days: propose it again");
	return 0;
}

bool device_may_become(enum device_state from, enum device_state to)
{
	if (from == DEVICE_STATE_RETIRED)
		return to == DEVICE_STATE_RETIRED;
	return to == DEVICE_STATE_ENROLLED || to == DEVICE_STATE_SUSPENDED ||
	       to == DEVICE_STATE_RETIRED;
}
