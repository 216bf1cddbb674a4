// SPDX-License-Identifier: Apache-2.0
/* Addresses of servers (docs/spec/storage.md section 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "gen/errors.h"
#include "services/storage/vaults/server.h"

static void an_address_is_read_into_its_parts(void **state)
{
	static const struct {
		const char *text, *scheme, *host, *path;
		unsigned port;
	} good[] = {
		{"sftp://nas/backup", "sftp", "nas", "/backup", 0},
		{"sftp://nas.example:2222/srv/carnet/", "sftp", "nas.example", "/srv/carnet", 2222},
		{"sftp://[2001:db8::7]:22/b", "sftp", "2001:db8::7", "/b", 22},
		{"sftp://192.0.2.7", "sftp", "192.0.2.7", "", 0},
		{"https://s3.example/bucket/a..b", "https", "s3.example", "/bucket/a..b", 0},
		{"sftp://nas/é保管庫", "sftp", "nas", "/é保管庫", 0},
	};
	(void)state;
	for (size_t i = 0; i < array_len(good); i++) {
		struct server s;
		struct fault f = FAULT_INIT;
		assert_int_equal(server_parse(good[i].text, &s, &f), 0);
		assert_string_equal(s.scheme, good[i].scheme);
		assert_string_equal(s.host, good[i].host);
		assert_string_equal(s.path, good[i].path);
		assert_int_equal(s.port, good[i].port);
	}
}

static void what_is_none_is_refused_and_leaves_nothing(void **state)
{
	static const char *const bad[] = {"", "/backup", "sftp:/nas/b", "sftp://", "sftp:///b",
		"sftp://u@nas/b", "sftp://nas:/b", "sftp://nas:0/b", "sftp://nas:65536/b",
		"sftp://nas:22x/b", "sftp://nas:+22/b", "sftp://nas/a//b", "sftp://nas/../etc",
		"sftp://nas/a/./b", "sftp://nas/a b", "sftp://nas/a%2fb", "sftp://nas/a?b",
		"sftp://nas/a#b", "sftp://nas/a\nb", "sftp://-oProxyCommand/b", "sftp://[::1/b",
		"sftp://[]/b", "muchtoolong://nas/b"};
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct server s = {.port = 7};
		struct fault f = FAULT_INIT;
		assert_int_equal(server_parse(bad[i], &s, &f), -1);
		assert_int_equal(f.code, CN_VALIDATION_FAILED);
		assert_string_equal(f.reason, "place_form");
		assert_int_equal(s.port, 7);
	}
}

static void folders_only_go_down(void **state)
{
	static const char *const bad[] = {"sftp://nas/a/..", "sftp://nas/..", "sftp://nas/a/."};
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct server s;
		struct fault f = FAULT_INIT;
		assert_int_equal(server_parse(bad[i], &s, &f), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_read_into_its_parts),
		cmocka_unit_test(what_is_none_is_refused_and_leaves_nothing),
		cmocka_unit_test(folders_only_go_down),
	};
	return cmocka_run_group_tests_name("addresses of servers", tests, NULL, NULL);
}
