// SPDX-License-Identifier: Apache-2.0
/* Books of simulated printers (devices.md 14.1): from the seed alone, whole, and in the device's
 * charset. common/book, written by others from the same text, is the judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/formats/abk.h"
#include "services/simulator/book.h"

static struct sim *fleet(uint64_t seed, uint32_t count)
{
	struct sim *s = mem_alloc(sizeof(*s));
	struct fault f = FAULT_INIT;
	static char base[] = "127.0.0.1";

	s->address_base = base;
	s->loop = loop_new();
	assert_int_equal(fleet_load(s, "deploy/local/fleet-demo.json", seed, count, &f), 0);
	return s;
}

static void fleet_end(struct sim *s)
{
	fleet_free(s);
	loop_free(s->loop);
	free(s);
}

static void all_text(const struct sim *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		const struct device *d = &s->fleet.devices[i];
		buf_addf(out, "%s %s %s\n", d->name, d->serial, d->model->name);
		for (int item = 0; item < ITEMS; item++)
			if (book_has(d, (enum item)item))
				book_text(d, (enum item)item, true, out);
	}
}

static void sim_same_seed_gives_the_same_fleet_and_books_byte_for_byte(void **state)
{
	struct sim *a = fleet(7, 60), *b = fleet(7, 60), *c = fleet(8, 60);
	struct buf one = BUF_INIT, two = BUF_INIT, three = BUF_INIT;

	(void)state;
	all_text(a, &one);
	all_text(b, &two);
	all_text(c, &three);
	assert_true(one.n > 100000);
	assert_int_equal(one.n, two.n);
	assert_memory_equal(one.p, two.p, one.n);
	assert_true(one.n != three.n || memcmp(one.p, three.p, one.n) != 0);
	buf_fini(&one);
	buf_fini(&two);
	buf_fini(&three);
	fleet_end(a);
	fleet_end(b);
	fleet_end(c);
}

static void a_device_does_not_depend_on_how_many_others_there_are(void **state)
{
	struct sim *a = fleet(7, 10), *b = fleet(7, 60);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_string_equal(a->fleet.devices[i].serial, b->fleet.devices[i].serial);
	fleet_end(a);
	fleet_end(b);
}

static void every_list_is_whole_and_says_its_charset(void **state)
{
	struct sim *s = fleet(11, 300);
	struct abk_info info;
	struct fault f = FAULT_INIT;
	int utf8 = 0, latin = 0;

	(void)state;
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		const struct device *d = &s->fleet.devices[i];
		for (int item = 0; item < ITEMS; item++) {
			struct buf text = BUF_INIT;
			if (!book_has(d, (enum item)item))
				continue;
			struct sim_list *l = book_get(d, (enum item)item);
			book_text(d, (enum item)item, false, &text);
			if (abk_check(buf_span(&text), &info, &f) < 0)
				fail_msg(
					"%s %s: %s", d->name, item_name((enum item)item), f.detail);
			assert_int_equal(info.entries, l->n);
			assert_int_equal(
				info.charset, d->model->utf8 ? CHARSET_UTF8 : CHARSET_CP1252);
			assert_null(strstr(buf_str(&text), "\r\npwd: "));
			utf8 += d->model->utf8;
			latin += !d->model->utf8;
			book_put_back(d, (enum item)item, l);
			buf_fini(&text);
		}
	}
	assert_true(utf8 > 50 && latin > 50);
	fleet_end(s);
}

static void names_of_a_latin_device_exist_in_its_charset(void **state)
{
	struct sim *s = fleet(3, 200);
	struct buf scratch = BUF_INIT;
	int checked = 0;

	(void)state;
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		const struct device *d = &s->fleet.devices[i];
		if (d->model->utf8 || d->model->type != TYPE_I)
			continue;
		struct sim_list *l = book_get(d, ITEM_LIST_1);
		for (size_t k = 0; k < l->n; k++, checked++)
			assert_true(cp1252_encode(l->entries[k].name, &scratch));
		book_put_back(d, ITEM_LIST_1, l);
	}
	assert_true(checked > 100);
	buf_fini(&scratch);
	fleet_end(s);
}

static void cp1252_has_the_euro_and_refuses_kanji(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_true(cp1252_encode("€ ’œŸ é", &b));
	assert_string_equal(buf_str(&b), "\x80 \x92\x9c\x9f \xe9");
	assert_false(cp1252_encode("山", &b));
	buf_fini(&b);
}

/* Bytes written down by hand from address-books.md 4.2, not made by the encoder. */
static const char GOLDEN[] = "# Canon AddressBook version: 1\r\n"
			     "# CharSet: WCP1252\r\n"
			     "# SubAddressBookName: Qualit\xe9\r\n"
			     "# DB Version: 0x0108\r\n"
			     "\r\n"
			     "subdbid: 2\r\n"
			     "dn: 201\r\n"
			     "cn: Chlo\xe9 Martin\r\n"
			     "cnread: \r\n"
			     "mailaddress: chloe@example.com\r\n"
			     "enablepartial: false\r\n"
			     "protocol: smtp\r\n"
			     "accesscode: 0\r\n"
			     "objectclass: top\r\n"
			     "objectclass: extensibleobject\r\n"
			     "objectclass: email\r\n"
			     "\r\n"
			     "subdbid: 2\r\n"
			     "dn: 202\r\n"
			     "cn: Tous\r\n"
			     "cnread: \r\n"
			     "member: 201\r\n"
			     "accesscode: 0\r\n"
			     "objectclass: top\r\n"
			     "objectclass: extensibleobject\r\n"
			     "objectclass: groupfids\r\n"
			     "\r\n";

static struct device *a_latin_device(struct sim *s)
{
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		if (d->model->type == TYPE_I && !d->model->utf8 && book_has(d, (enum item)1))
			return d;
	}
	fail_msg("no such device");
	return NULL;
}

static void a_list_put_in_comes_out_as_the_golden_text(void **state)
{
	struct sim *s = fleet(5, 100);
	struct device *d = a_latin_device(s);
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	json_error_t err;
	json_t *j = json_loads(
		"{\"name\":\"Qualité\",\"entries\":["
		"{\"number\":201,\"kind\":\"email\",\"name\":\"Chloé Martin\","
		"\"email\":\"chloe@example.com\",\"protocol\":\"smtp\"},"
		"{\"number\":202,\"kind\":\"group\",\"name\":\"Tous\",\"members\":[201]}]}",
		0, &err);
	uint32_t before = d->config_changes;

	(void)state;
	assert_non_null(j);
	assert_int_equal(book_from_json(d, (enum item)1, j, &f), 0);
	book_text(d, (enum item)1, true, &text);
	assert_string_equal(buf_str(&text), GOLDEN);
	assert_true(d->config_changes > before);
	json_decref(j);
	buf_fini(&text);
	fleet_end(s);
}

static void an_edit_changes_one_entry_and_no_other(void **state)
{
	struct sim *s = fleet(5, 100);
	struct device *d = a_latin_device(s);
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct fault f = FAULT_INIT;
	json_t *j = json_pack("{s:i, s:s}", "number", 201, "name", "Edited");

	(void)state;
	book_text(d, ITEM_LIST_1, false, &before);
	assert_int_equal(book_edit_entry(d, ITEM_LIST_1, j, &f), 0);
	book_text(d, ITEM_LIST_1, false, &after);
	assert_non_null(strstr(buf_str(&after), "dn: 201\r\ncn: Edited\r\n"));
	const char *a = strstr(buf_str(&before), "dn: 202"),
		   *b = strstr(buf_str(&after), "dn: 202");
	if (a && b)
		assert_string_equal(a, b);
	json_decref(j);
	j = json_pack("{s:i, s:s}", "number", 201, "name", "two\r\nlines");
	assert_int_equal(book_edit_entry(d, ITEM_LIST_1, j, &f), -1);
	json_decref(j);
	buf_fini(&before);
	buf_fini(&after);
	fleet_end(s);
}

static void device_setting_values_are_equal_for_equal_book_and_password_only(void **state)
{
	struct sim *s = fleet(5, 100);
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;
	struct device *d = s->fleet.devices;

	(void)state;
	while (d->model->type != TYPE_II)
		d++;
	dsv_export(d, 3u << ITEM_CODED_DIAL, "secret", &a);
	dsv_export(d, 3u << ITEM_CODED_DIAL, "secret", &b);
	dsv_export(d, 3u << ITEM_CODED_DIAL, "Secret", &c);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	assert_int_equal(a.n, c.n);
	assert_memory_not_equal(a.p + 24, c.p + 24, a.n - 24);
	assert_memory_equal(a.p, "CARNET-SIM-DSV1\n", 16);
	uint64_t length = 0;
	for (int i = 0; i < 8; i++)
		length = length << 8 | a.p[16 + i];
	assert_int_equal(length, a.n);
	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&c);
	fleet_end(s);
}

static void the_demo_fleet_has_what_its_file_asks_for(void **state)
{
	struct sim *s = fleet(0, 0);
	int unsupported = 0, unreachable = 0, wrong = 0, restricted = 0, busy = 0;

	(void)state;
	assert_int_equal(s->fleet.count, 200);
	assert_int_equal(s->fleet.n_sites, 3);
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		const struct device *d = &s->fleet.devices[i];
		unsupported += d->model->unsupported;
		unreachable += (d->traits & TRAIT_UNREACHABLE) != 0;
		wrong += (d->traits & TRAIT_WRONG_PASSWORD) != 0;
		restricted += (d->traits & TRAIT_RESTRICTED) != 0;
		busy += op_blocking(d) != OP_NONE;
	}
	assert_int_equal(unsupported, 6);
	assert_int_equal(unreachable, 1);
	assert_int_equal(wrong, 1);
	assert_int_equal(restricted, 1);
	assert_int_equal(busy, 4);
	fleet_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sim_same_seed_gives_the_same_fleet_and_books_byte_for_byte),
		cmocka_unit_test(a_device_does_not_depend_on_how_many_others_there_are),
		cmocka_unit_test(every_list_is_whole_and_says_its_charset),
		cmocka_unit_test(names_of_a_latin_device_exist_in_its_charset),
		cmocka_unit_test(cp1252_has_the_euro_and_refuses_kanji),
		cmocka_unit_test(a_list_put_in_comes_out_as_the_golden_text),
		cmocka_unit_test(an_edit_changes_one_entry_and_no_other),
		cmocka_unit_test(device_setting_values_are_equal_for_equal_book_and_password_only),
		cmocka_unit_test(the_demo_fleet_has_what_its_file_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
