// SPDX-License-Identifier: Apache-2.0
/* The list is short and public on purpose: what stands in a manual. */
#include "common/crypto/factory.h"

#include <string.h>
#include <strings.h>

#include "common/base/base.h"

static const struct login {
	const char *user; /* "" = the device asks for a password alone */
	const char *secret;
} known[] = {
	{"7654321", "7654321"},
	{"Administrator", "7654321"},
	{"", "7654321"},
	{"Admin", "Admin"},
	{"Admin", "admin"},
	{"", "admin"},
	{"", "Admin"},
	{"admin", "1111"},
	{"", "1111"},
	{"Administrator", "12345678"},
	{"admin", "12345678"},
	{"", "12345678"},
	{"Administrator", "1234567812345678"},
	{"admin", "1234567812345678"},
	{"", "1234567812345678"},
	{"admin", "123456"},
	{"admin", "aaaaaa"},
	{"root", "aaaaaa"},
	{"admin", "access"},
	{"", "access"},
	{"admin", "initpass"},
	{"", "initpass"},
	{"admin", "sec00000"},
};

bool login_is_factory(const char *user, const char *secret)
{
	const char *name = user == NULL ? "" : user;

	if (secret == NULL || *secret == '\0')
		return secret != NULL;
	for (size_t i = 0; i < array_len(known); i++)
		if (strcasecmp(known[i].user, name) == 0 && strcmp(known[i].secret, secret) == 0)
			return true;
	return false;
}

bool login_kind(const char *kind)
{
	static const char *const kinds[] = {
		"user_auth", "domain_auth", "system_manager", "password_only"};

	for (size_t i = 0; kind != NULL && i < array_len(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}
