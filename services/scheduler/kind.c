// SPDX-License-Identifier: Apache-2.0
/* The kinds of task, as data. */
#include "services/scheduler/kind.h"

#include <string.h>

#define FAMILIES                                                                                   \
	"canon_rui", "ipp", "snmp", "ricoh_udirectory", "konica_openapi", "kyocera_wsdl",          \
		"jetdirect_ftp"
#define BOOKS "canon_rui", "ricoh_udirectory", "konica_openapi"

static const struct kind {
	const char *name;
	const char *capability;
	bool plans, reads, alone;
	const char *families[8];
} kinds[] = {
	{"ab.backup", "ab.read", false, true, false, {BOOKS, "kyocera_wsdl"}},
	{"settings.backup", "settings.read", false, true, false, {"canon_rui", "ipp"}},
	{"device.probe", "", false, true, false, {FAMILIES}},
	/* every family: that it cannot do it is an answer, too */
	{"device.check_ab", "", false, true, false, {FAMILIES}},
	{"device.check_settings", "", false, true, false, {FAMILIES}},
	/* of no device, but of stretches of addresses */
	{"device.discover", "", false, true, true, {DISCOVERY}},
	/* what is written, is planned first */
	{"ab.restore", "ab.write", true, false, false, {BOOKS}},
	{"ab.import", "ab.write", true, false, false, {BOOKS}},
	{"ab.distribute", "ab.write", true, false, false, {BOOKS}},
	{"settings.restore", "settings.write", true, false, false, {"canon_rui", "ipp"}},
	/* these leave what the device holds as it is: they run at once */
	{"file.deliver", "", false, false, false, {"jetdirect_ftp"}},
	{"device.restart", "restart", false, false, false, {BOOKS, "kyocera_wsdl", "ipp", "snmp"}},
	/* steps of other kinds; each has its own families */
	{"batch", "", false, false, false, {FAMILIES}},
	/* of no device: storage claims these like a worker */
	{"vault.verify", "", false, true, true, {"storage"}},
	{"vault.drill", "", false, true, true, {"storage"}},
	{"system.housekeeping", "", false, true, true, {"storage"}},
};

static const struct kind *find(const char *name)
{
	for (size_t i = 0; name != NULL && i < array_len(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

bool kind_known(const char *kind)
{
	return find(kind) != NULL;
}

const char *kind_nth(size_t i)
{
	return i < array_len(kinds) ? kinds[i].name : NULL;
}

bool kind_discovers(const char *kind)
{
	return strcmp(kind, "device.discover") == 0;
}

bool kind_plans(const char *kind)
{
	const struct kind *k = find(kind);

	return k != NULL && k->plans;
}

bool kind_reads(const char *kind)
{
	const struct kind *k = find(kind);

	return k != NULL && k->reads;
}

const char *const *kind_families(const char *kind)
{
	static const char *const none[] = {NULL};
	const struct kind *k = find(kind);

	return k == NULL ? none : k->families;
}

bool kind_alone(const char *kind)
{
	const struct kind *k = find(kind);

	return k != NULL && k->alone;
}

const char *kind_capability(const char *kind)
{
	const struct kind *k = find(kind);

	return k == NULL ? "" : k->capability;
}

const char *const *families_all(void)
{
	static const char *const all[] = {FAMILIES, NULL};

	return all;
}
