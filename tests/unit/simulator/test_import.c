// SPDX-License-Identifier: Apache-2.0
/* Imports into a simulated Canon: the way to the form, what is taken, dropped and destroyed, and
 * what is left when somebody pulls the plug (devices.md 4.3, import-export.md H5, H6, R21, R22). */
#include "gen/errors.h"
#include "tests/unit/simulator/world.h"

#include "services/simulator/canon.h"

/* Follows the link with this text on the page that came last. */
static const char *follow(struct world *w, struct device *d, const char *text)
{
	const char *page = buf_str(&w->body), *at = strstr(page, text);
	char path[200];

	assert_non_null(at);
	while (at > page && strncmp(at, "href=\"", 6) != 0)
		at--;
	at += strlen("href=\".");
	(void)snprintf(path, sizeof(path), "/rps%.*s", (int)strcspn(at, "\"?"), at);
	return ask(w, d, path, NULL);
}

static const char *value_after(const char *page, const char *what, char *out, size_t size)
{
	const char *at = strstr(page, what);

	assert_non_null(at);
	at += strlen(what);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	return out;
}

static void open_form(struct world *w, struct device *d)
{
	(void)ask(w, d, "/rps/nativetop.cgi?Dummy=1", NULL);
	(void)follow(w, d, "Data Management");
	if (d->model->type == TYPE_I) {
		(void)follow(w, d, "Import/Export Individually");
		(void)follow(w, d, "Address Lists");
	} else {
		(void)follow(w, d, "Device Setting Values");
	}
	(void)follow(w, d, "Import...");
	assert_non_null(strstr(buf_str(&w->body), "multipart/form-data"));
}

static void field(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "--x1\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name,
		value);
}

static void send_form(struct world *w, struct device *d, struct buf *b)
{
	char path[100], url[200], form[200];

	value_after(buf_str(&w->body), "action=\".", form, sizeof(form));
	(void)snprintf(path, sizeof(path), "/rps%.60s", form);
	(void)snprintf(url, sizeof(url), "http://%.*s:%u%s", (int)strcspn(w->base, ":"), w->base,
		d->http_port, path);
	buf_adds(b, "--x1--\r\n");
	(void)world_send_as(
		w, url, "POST", "Content-Type: multipart/form-data; boundary=x1", buf_str(b));
}

/* Sends the form of the page that came last; does not wait for the answer. */
static void send_list(struct world *w, struct device *d, int aid, int mode, const char *file)
{
	char token[20], n[12];
	struct buf b = BUF_INIT;

	value_after(buf_str(&w->body), "\"Token\" value=\"", token, sizeof(token));
	field(&b, "Token", token);
	(void)snprintf(n, sizeof(n), "%d", aid);
	field(&b, "AID", n);
	(void)snprintf(n, sizeof(n), "%d", mode);
	field(&b, "AMOD", n);
	field(&b, "ACLS3", "1");
	field(&b, "ENC_MODE_D", "0");
	field(&b, "AFILE\"; filename=\"list.abk", file);
	send_form(w, d, &b);
	buf_fini(&b);
}

static const char *import_list(
	struct world *w, struct device *d, int aid, int mode, const char *file)
{
	open_form(w, d);
	send_list(w, d, aid, mode, file);
	world_wait(w);
	return buf_str(&w->body);
}

#define HEAD                                                                                       \
	"# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n# SubAddressBookName: new\r\n"      \
	"# DB Version: 0x0108\r\n\r\n"

static void add_mail(struct buf *b, int number, const char *name)
{
	buf_addf(b,
		"subdbid: 1\r\ndn: %d\r\ncn: %s\r\ncnread: \r\nmailaddress: m%d@example.com\r\n"
		"enablepartial: false\r\nprotocol: smtp\r\naccesscode: 0\r\nobjectclass: top\r\n"
		"objectclass: extensibleobject\r\nobjectclass: email\r\n\r\n",
		number, name, number);
}

static void add_group(struct buf *b, int number, int member, int other)
{
	buf_addf(b,
		"subdbid: 1\r\ndn: %d\r\ncn: all\r\ncnread: \r\nmember: %d\r\nmember: %d\r\n"
		"accesscode: 0\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\n"
		"objectclass: groupfids\r\n\r\n",
		number, member, other);
}

static size_t entries(struct device *d, enum item item)
{
	struct sim_list *l = book_get(d, item);
	size_t n = l->n;

	book_put_back(d, item, l);
	return n;
}

static void set_fault(struct device *d, enum mp mp)
{
	d->fault = (struct fault_plan){.mp = mp, .at = AT_IMPORT, .per_mille = 1000, .times = 1};
}

static void an_export_goes_back_byte_for_byte_and_replaces_what_was_there(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf before = BUF_INIT, after = BUF_INIT, other = BUF_INIT;

	book_text(d, ITEM_LIST_1, true, &before);
	login(w, d);
	buf_adds(&other, HEAD);
	add_mail(&other, 300, "Nobody");
	assert_non_null(strstr(import_list(w, d, 1, 2, buf_str(&other)), "has been imported"));
	book_text(d, ITEM_LIST_1, true, &after);
	assert_int_equal(entries(d, ITEM_LIST_1), 1);
	if (d->model->utf8)
		assert_string_equal(buf_str(&after), buf_str(&other));
	(void)import_list(w, d, 1, 2, buf_str(&before));
	buf_reset(&after);
	book_text(d, ITEM_LIST_1, true, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	assert_int_equal(canon_of(d)->imports, 2);
	assert_int_equal(canon_of(d)->recalls, 0);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&other);
}

static void R21_what_does_not_fit_is_dropped_with_its_groups_and_counts_as_success(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf b = BUF_INIT;

	canon_of(d)->limits.entries = 2;
	for (int i = 1; i <= ITEM_LIST_10; i++)
		book_take(d, (enum item)i, sim_list_new(0));
	buf_adds(&b, HEAD);
	add_mail(&b, 201, "A");
	add_mail(&b, 202, "B");
	add_mail(&b, 203, "C");
	add_group(&b, 204, 201, 203);
	login(w, d);
	assert_non_null(strstr(import_list(w, d, 1, 2, buf_str(&b)), "has been imported"));
	assert_int_equal(entries(d, ITEM_LIST_1), 2);
	assert_int_equal(canon_of(d)->dropped, 2);
	buf_fini(&b);
}

static void R22_a_long_name_is_cut_to_the_limit_and_counts_as_success(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf b = BUF_INIT;

	canon_of(d)->limits.name = 5;
	buf_adds(&b, HEAD);
	add_mail(&b, 201,
		"abcd\xc3\xa9"
		"fgh");
	login(w, d);
	assert_non_null(strstr(import_list(w, d, 1, 2, buf_str(&b)), "has been imported"));
	struct sim_list *l = book_get(d, ITEM_LIST_1);
	assert_string_equal(l->entries[0].name, "abcd");
	assert_int_equal(canon_of(d)->cut, 1);
	buf_fini(&b);
}

static void H5_appending_doubles_equal_names(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf text = BUF_INIT;
	size_t n = entries(d, ITEM_LIST_1);

	book_text(d, ITEM_LIST_1, true, &text);
	login(w, d);
	(void)import_list(w, d, 1, 1, buf_str(&text));
	assert_int_equal(entries(d, ITEM_LIST_1), 2 * n);
	buf_fini(&text);
}

static void a_file_that_is_none_is_refused_before_anything_is_cleared(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	size_t n = entries(d, ITEM_LIST_1);

	login(w, d);
	assert_non_null(strstr(import_list(w, d, 1, 2, "hello"), "error"));
	assert_int_equal(entries(d, ITEM_LIST_1), n);
	assert_int_equal(w->sim.stats.imports, 0);
}

static void H6_a_torn_file_leaves_a_half_written_list(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf b = BUF_INIT;

	buf_adds(&b, HEAD);
	for (int i = 0; i < 4; i++)
		add_mail(&b, 201 + i, "A");
	buf_adds(&b, "cn: half a rec");
	login(w, d);
	assert_non_null(strstr(import_list(w, d, 1, 2, buf_str(&b)), "not correct"));
	assert_int_equal(entries(d, ITEM_LIST_1), 2);
	assert_int_equal(canon_of(d)->half, 1u << ITEM_LIST_1);
	buf_fini(&b);
}

static void a_form_counts_once(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf form = BUF_INIT;

	login(w, d);
	open_form(w, d);
	buf_adds(&form, buf_str(&w->body));
	send_list(w, d, 1, 2, HEAD);
	world_wait(w);
	buf_reset(&w->body);
	buf_add(&w->body, form.p, form.n);
	struct buf b = BUF_INIT;
	field(&b, "Token", "1");
	field(&b, "AID", "1");
	send_form(w, d, &b);
	world_wait(w);
	assert_non_null(strstr(buf_str(&w->body), "Don't open this page"));
	assert_int_equal(w->sim.stats.imports, 1);
	buf_fini(&b);
	buf_fini(&form);
}

static void a_busy_device_refuses_an_import_and_two_at_once_are_a_violation(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	size_t n = entries(d, ITEM_LIST_1);
	struct buf log = BUF_INIT;

	login(w, d);
	(void)op_start(d, OP_SEND, 0);
	assert_non_null(strstr(import_list(w, d, 1, 2, HEAD), "is being used"));
	(void)op_stop(d, OP_SEND);
	op_export_begin(d);
	assert_non_null(strstr(import_list(w, d, 1, 2, HEAD), "is being used"));
	op_export_end(d);
	assert_int_equal(entries(d, ITEM_LIST_1), n);
	assert_int_equal(w->sim.stats.imports_refused, 2);
	(void)truth_since(w->sim.truth, 0, 1000, &log);
	assert_non_null(strstr(buf_str(&log), "\"violation\":true"));
	buf_fini(&log);
}

static void mp_22_says_OK_and_keeps_the_old_list(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	size_t n = entries(d, ITEM_LIST_1);

	set_fault(d, MP_22);
	login(w, d);
	assert_non_null(strstr(import_list(w, d, 1, 2, HEAD), "has been imported"));
	assert_int_equal(entries(d, ITEM_LIST_1), n);
	assert_non_null(strstr(import_list(w, d, 1, 2, HEAD), "has been imported"));
	assert_int_equal(entries(d, ITEM_LIST_1), 0);
}

static void wait_on(void *arg)
{
	((struct world *)arg)->done = true;
	loop_stop(((struct world *)arg)->loop);
}

static void pause_ms(struct world *w, uint64_t ms)
{
	struct timer *t = timer_new(w->loop, wait_on, w);

	w->done = false;
	timer_set(t, ms, 0);
	world_wait(w);
	timer_free(t);
}

static void C3_mp_24_restarts_in_the_import_and_leaves_half_of_the_list(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf b = BUF_INIT;
	uint64_t boot = d->boot_ms;

	buf_adds(&b, HEAD);
	for (int i = 0; i < 6; i++)
		add_mail(&b, 201 + i, "A");
	set_fault(d, MP_24);
	login(w, d);
	open_form(w, d);
	send_list(w, d, 1, 2, buf_str(&b));
	world_wait(w);
	assert_int_equal(w->code, CN_CONNECTION_LOST);
	assert_int_equal(entries(d, ITEM_LIST_1), 3);
	assert_true(d->off);
	for (int i = 0; d->off && i < 100; i++)
		pause_ms(w, 20);
	assert_true(d->boot_ms > boot);
	assert_int_equal(d->exporting, 0);
	assert_int_equal(w->sim.stats.imports_interrupted, 1);
	buf_fini(&b);
}

static void C3_power_lost_before_the_first_entry_leaves_an_empty_list(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf b = BUF_INIT;

	d->latency.import = 400;
	buf_adds(&b, HEAD);
	add_mail(&b, 201, "A");
	login(w, d);
	open_form(w, d);
	send_list(w, d, 1, 2, buf_str(&b));
	while (w->sim.stats.imports == 0)
		pause_ms(w, 5);
	w->done = false;
	device_restart(d, 0);
	world_wait(w);
	assert_int_equal(w->code, CN_CONNECTION_LOST);
	assert_int_equal(entries(d, ITEM_LIST_1), 0);
	assert_int_equal(canon_of(d)->half, 1u << ITEM_LIST_1);
	buf_fini(&b);
}

static void setting_values_need_their_password_and_delete_the_workflows(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_II, 0);
	struct buf before = BUF_INIT, after = BUF_INIT, b = BUF_INIT;
	char token[20];

	dsv_export(d, 1u << ITEM_CODED_DIAL, "pass word", &before);
	book_take(d, ITEM_CODED_DIAL, sim_list_new(0));
	login(w, d);
	for (int good = 0; good < 2; good++) {
		open_form(w, d);
		buf_reset(&b);
		value_after(buf_str(&w->body), "\"Token\" value=\"", token, sizeof(token));
		field(&b, "Token", token);
		field(&b, "PASSWD", good ? "pass word" : "another");
		buf_adds(&b, "--x1\r\nContent-Disposition: form-data; name=\"IFILE\"\r\n\r\n");
		buf_add(&b, before.p, before.n);
		buf_adds(&b, "\r\n--x1--\r\n");
		char action[200], url[300];
		value_after(buf_str(&w->body), "action=\".", action, sizeof(action));
		(void)snprintf(url, sizeof(url), "http://%.*s:%u/rps%s", (int)strcspn(w->base, ":"),
			w->base, d->http_port, action);
		const char *headers[] = {
			w->jar, "Content-Type: multipart/form-data; boundary=x1", NULL};
		struct http_req req = {.method = "POST",
			.url = url,
			.headers = headers,
			.body = buf_span(&b),
			.max_body = 65536,
			.fresh = true};
		buf_reset(&w->body);
		w->done = false;
		(void)http_send(w->client, &req, world_body, world_done, w);
		world_wait(w);
		assert_non_null(strstr(buf_str(&w->body),
			good ? "has been imported" : "The password is not correct"));
	}
	assert_non_null(strstr(buf_str(&w->body), "Restart the device"));
	dsv_export(d, 1u << ITEM_CODED_DIAL, "pass word", &after);
	assert_int_equal(after.n, before.n);
	assert_memory_equal(after.p, before.p, before.n);
	assert_int_equal(canon_of(d)->workflows, 0);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&b);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_export_goes_back_byte_for_byte_and_replaces_what_was_there),
		TEST(R21_what_does_not_fit_is_dropped_with_its_groups_and_counts_as_success),
		TEST(R22_a_long_name_is_cut_to_the_limit_and_counts_as_success),
		TEST(H5_appending_doubles_equal_names),
		TEST(a_file_that_is_none_is_refused_before_anything_is_cleared),
		TEST(H6_a_torn_file_leaves_a_half_written_list),
		TEST(a_form_counts_once),
		TEST(a_busy_device_refuses_an_import_and_two_at_once_are_a_violation),
		TEST(mp_22_says_OK_and_keeps_the_old_list),
		TEST(C3_mp_24_restarts_in_the_import_and_leaves_half_of_the_list),
		TEST(C3_power_lost_before_the_first_entry_leaves_an_empty_list),
		TEST(setting_values_need_their_password_and_delete_the_workflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
