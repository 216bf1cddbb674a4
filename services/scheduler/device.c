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
				"ports are of http https ipp ipps snmp ftp, from 1");
	}
	for (size_t i = 0; i < d->labels_n; i++) {
		if (empty(d->labels[i].key))
			return refuse(err, "required", "a label needs a key");
	}
	return 0;
}

int device_check(const struct m_device *d, bool create, struct fault *reterr)
{
	if (create && (empty(d->name) || empty(d->family) || empty(d->address)))
		return refuse(reterr, "required", "a device needs a name, a family and an address");
	if ((d->name != NULL && *d->name == '\0') || (d->address != NULL && *d->address == '\0') ||
		(d->family != NULL && *d->family == '\0'))
		return refuse(reterr, "required", "name, family and address may not be empty");
	if (d->address != NULL && !address_good(d->address))
		return refuse(reterr, "address", "the address is a host name or an IP address");
	if (!empty(d->time_zone) && zone_find(d->time_zone) == NULL)
		return refuse(reterr, "unknown_word", "the time zone is not an IANA zone");
	return check_lists(d, reterr);
}

bool device_may_become(enum device_state from, enum device_state to)
{
	if (from == DEVICE_STATE_RETIRED)
		return to == DEVICE_STATE_RETIRED;
	return to == DEVICE_STATE_ENROLLED || to == DEVICE_STATE_SUSPENDED ||
	       to == DEVICE_STATE_RETIRED;
}
