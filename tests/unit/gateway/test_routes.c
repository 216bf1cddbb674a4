// SPDX-License-Identifier: Apache-2.0
/* How a REST request becomes a message: paths, bodies, problems, the OpenAPI document. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "gen/msg.h"
#include "services/gateway/body.h"
#include "services/gateway/openapi.h"
#include "services/gateway/problem.h"
#include "services/gateway/route.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct route_match must_find(const char *method, const char *path)
{
	struct route_match m;

	assert_int_equal(route_find(method, path, &arena, &m), 0);
	return m;
}

static void a_path_finds_its_message_and_its_words(void **state)
{
	struct route_match m = must_find("POST", "/tasks/nightly:run");

	(void)state;
	assert_ptr_equal(m.route->request, &m_run_start_desc);
	assert_string_equal(route_param(&m, "ref"), "nightly");
	m = must_find("DELETE", "/sync-groups/g1/members/0193");
	assert_ptr_equal(m.route->request, &m_sync_member_remove_desc);
	assert_string_equal(route_param(&m, "device"), "0193");
	assert_null(route_param(&m, "nothing"));
}

static void a_known_path_with_another_method_names_the_allowed_ones(void **state)
{
	struct route_match m = must_find("PUT", "/devices");

	(void)state;
	assert_null(m.route);
	assert_string_equal(m.allow, "GET, POST");
}

static void an_unknown_path_is_not_found(void **state)
{
	struct route_match m;
	static const char *const paths[] = {"", "/", "/device", "/devices/", "/devices/a/b",
		"/tasks/x:explode", "/devices/:suspend", "//devices"};

	(void)state;
	for (size_t i = 0; i < array_len(paths); i++)
		assert_int_equal(route_find("GET", paths[i], &arena, &m), -1);
}

static json_t *request_json(const char *method, const char *path, const char *body)
{
	struct route_match m = must_find(method, path);
	struct fault f;
	json_t *root = body_begin(m.route, (struct span){(const uint8_t *)body, strlen(body)}, &f);

	assert_non_null(root);
	for (size_t i = 0; i < m.n_params; i++)
		assert_int_equal(
			body_path(root, m.route, m.params[i].name, m.params[i].value, &f), 0);
	assert_int_equal(body_set(root, m.route, &f), 0);
	return root;
}

static void expect_json(json_t *got, const char *want)
{
	json_t *w = json_loads(want, 0, NULL);

	assert_true(json_equal(got, w));
	json_decref(w);
	json_decref(got);
}

static void path_body_and_route_fill_one_message(void **state)
{
	(void)state;
	expect_json(request_json("PATCH", "/devices/p1", "{\"name\":\"p2\"}"),
		"{\"ref\":\"p1\",\"device\":{\"name\":\"p2\"}}");
	expect_json(request_json("POST", "/tasks/t:activate", ""),
		"{\"ref\":\"t\",\"task\":{\"active\":true}}");
	expect_json(request_json("DELETE", "/devices/p1", ""),
		"{\"ref\":\"p1\",\"state\":\"retired\"}");
	expect_json(request_json("PUT", "/sites/Lyon", "{\"region\":\"EU\"}"),
		"{\"site\":{\"name\":\"Lyon\",\"region\":\"EU\"}}");
}

static void a_body_that_is_no_object_is_refused_with_its_place(void **state)
{
	struct route_match m = must_find("POST", "/tasks");
	struct fault f;
	static const char *const bad[] = {"[]", "1", "{", "{\"a\":1,\"a\":2}", "null", "{}x"};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		assert_null(body_begin(
			m.route, (struct span){(const uint8_t *)bad[i], strlen(bad[i])}, &f));
		assert_int_equal(f.code, CN_PARSE_ERROR);
	}
}

static void a_query_has_the_type_of_its_field(void **state)
{
	struct route_match m = must_find("GET", "/versions");
	json_t *root = json_object();
	struct fault f;

	(void)state;
	assert_int_equal(body_query(root, m.route, "limit", "20x", &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	assert_int_equal(body_query(root, m.route, "limit", "20", &f), 0);
	assert_int_equal(body_query(root, m.route, "heads", "true", &f), 0);
	assert_int_equal(body_query(root, m.route, "kind", "settings", &f), 0);
	assert_int_equal(body_query(root, m.route, "nothing", "1", &f), -1);
	expect_json(root, "{\"limit\":20,\"heads\":true,\"kind\":\"settings\"}");
}

static void what_the_path_says_is_said_once(void **state)
{
	struct route_match m = must_find("DELETE", "/devices/p1");
	json_t *root = json_object();
	struct fault f;

	(void)state;
	assert_int_equal(body_path(root, m.route, "ref", "p1", &f), 0);
	assert_int_equal(body_query(root, m.route, "ref", "p2", &f), -1);
	assert_int_equal(f.code, CN_PARSE_ERROR);
	assert_string_equal(f.reason, "given_before");
	assert_int_equal(body_query(root, m.route, "state", "enrolled", &f), 0);
	assert_int_equal(body_set(root, m.route, &f), -1);
	json_decref(root);
	root = json_pack("{s:s}", "ref", "p1");
	assert_int_equal(body_path(root, m.route, "ref", "p1", &f), 0); /* the same is no other */
	assert_int_equal(body_path(root, m.route, "ref", "p2", &f), -1);
	json_decref(root);
}

static void what_is_sealed_is_not_taken_from_outside(void **state)
{
	static const struct {
		const char *method, *path, *body, *where;
	} bad[] = {
		{"POST", "/credentials", "{\"sealed\":\"AAAA\"}", "credential.sealed: "},
		{"POST", "/tasks", "{\"settings\":{\"password_sealed\":null}}",
			"task.settings.password_sealed: "},
		{"POST", "/tasks/t:activate",
			"{\"task\":{\"settings\":{\"password_sealed\":\"AAAA\"}}}",
			"task.settings.password_sealed: "},
		{"POST", "/vaults", "{\"login\":\"AAAA\"}", "login: "},
		{"POST", "/versions/v:mail", "{\"password_kdf\":\"AAAA\"}", "password_kdf: "},
	};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct route_match m = must_find(bad[i].method, bad[i].path);
		const struct span text = {(const uint8_t *)bad[i].body, strlen(bad[i].body)};
		struct fault f = FAULT_INIT;
		json_t *root = body_begin(m.route, text, &f);
		assert_int_equal(body_outside(root, m.route->request, &f), -1);
		assert_string_equal(f.reason, "made_here");
		assert_memory_equal(f.detail, bad[i].where, strlen(bad[i].where));
		json_decref(root);
	}
}

static void every_route_fills_only_fields_its_message_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		if (r->body_field != NULL)
			assert_non_null(body_field(r->request, r->body_field));
		if (r->reply_field != NULL)
			assert_non_null(body_field(r->reply, r->reply_field));
		assert_ptr_equal(r->reply, r->request->reply);
		json_t *root = json_object();
		struct fault f;
		assert_int_equal(body_set(root, r, &f), 0);
		json_decref(root);
	}
}

static void a_problem_speaks_the_readers_language(void **state)
{
	struct fault f;
	struct uuid trace = {{1}};

	(void)state;
	assert_string_equal(problem_lang(NULL), "en");
	assert_string_equal(problem_lang("de-DE, fr;q=0.8, en;q=0.5"), "fr");
	assert_string_equal(problem_lang("ja-JP"), "ja");
	assert_string_equal(problem_lang("frr"), "en");
	(void)fault_why(&f, CN_CONFLICT, "version", "somebody was faster");
	f.needs = 3;
	f.has = 4;
	assert_int_equal(problem_status(&f), 412);
	json_t *doc = problem_json(&f, "en", &trace);
	assert_non_null(doc);
	assert_string_equal(
		json_string_value(json_object_get(doc, "detail")), "somebody was faster");
	assert_int_equal(json_integer_value(json_object_get(doc, "if_version")), 3);
	assert_int_equal(json_integer_value(json_object_get(doc, "version")), 4);
	assert_string_equal(json_string_value(json_object_get(doc, "name")), "conflict");
	assert_null(json_object_get(doc, "needs"));
	json_decref(doc);
	(void)fault_needs(&f, CN_VAULT_TOO_OLD, "", "vault 'x'", 3, 2); /* ST-50 */
	doc = problem_json(&f, "en", &trace);
	assert_string_equal(
		json_string_value(json_object_get(doc, "detail")), "vault 'x' needs >= 3, has 2");
	assert_int_equal(json_integer_value(json_object_get(doc, "needs")), 3);
	assert_int_equal(json_integer_value(json_object_get(doc, "has")), 2);
	json_decref(doc);
}

/* Every $ref of the document points to a schema of it, and every route is there. */
static void check_refs(const json_t *node, const json_t *schemas)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_array(node)) {
		json_array_foreach(node, i, v) check_refs(v, schemas);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)node, key, v)
	{
		if (strcmp(key, "$ref") == 0)
			assert_non_null(
				json_object_get(schemas, strrchr(json_string_value(v), '/') + 1));
		else
			check_refs(v, schemas);
	}
}

static void the_openapi_document_holds_every_route(void **state)
{
	json_t *doc = openapi_document("1");
	const json_t *schemas;

	(void)state;
	assert_non_null(doc);
	schemas = json_object_get(json_object_get(doc, "components"), "schemas");
	check_refs(doc, schemas);
	for (size_t i = 0; i < routes_n; i++) {
		char method[16] = "";
		for (size_t k = 0; routes[i].method[k] != '\0'; k++)
			method[k] = (char)(routes[i].method[k] | 0x20);
		const json_t *item = json_object_get(json_object_get(doc, "paths"), routes[i].path);
		assert_non_null(json_object_get(item, method));
	}
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_message_and_its_words),
		cmocka_unit_test(a_known_path_with_another_method_names_the_allowed_ones),
		cmocka_unit_test(an_unknown_path_is_not_found),
		cmocka_unit_test(path_body_and_route_fill_one_message),
		cmocka_unit_test(a_body_that_is_no_object_is_refused_with_its_place),
		cmocka_unit_test(a_query_has_the_type_of_its_field),
		cmocka_unit_test(what_the_path_says_is_said_once),
		cmocka_unit_test(what_is_sealed_is_not_taken_from_outside),
		cmocka_unit_test(every_route_fills_only_fields_its_message_has),
		cmocka_unit_test(a_problem_speaks_the_readers_language),
		cmocka_unit_test(the_openapi_document_holds_every_route),
	};

	return cmocka_run_group_tests_name("rest", tests, setup, teardown);
}
