// SPDX-License-Identifier: Apache-2.0
/* LDIF as a book (docs/spec/address-books.md 4.3): ldif_rfc, the samples read, names of entries
 * (RFC 4514), folders as URIs, edits. */

#include "common/book/formats/dn.h"
#include "tests/lib/book_test.h"

extern const struct codec codec_ldif;

#define DIR "tests/golden/book/ldif/"
#define PERSON "objectClass: inetOrgPerson\ncn: Ana\nsn: Ana\n"
#define ANA "dn: cn=Ana,o=B\n" PERSON "mail: ana@example.com\nuid: 7\n\n"

static struct book *decoded(struct span s)
{
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	if (book_decode(s, &codec_ldif, NULL, &b, &f) < 0)
		fail_msg("%s", f.detail);
	return b;
}

static struct book *sample(const char *name)
{
	char path[200];
	struct buf file;
	struct book *b;

	snprintf(path, sizeof(path), DIR "%s", name);
	file = slurp(path);
	b = decoded(buf_span(&file));
	buf_fini(&file);
	return b;
}

static struct buf encoded(const struct book *b, struct span base)
{
	const struct encode_options o = {.base = base};
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	if (book_encode(b, &codec_ldif, &o, &out, NULL, &f) < 0)
		fail_msg("%s", f.detail);
	return out;
}

static void field(const struct fields *f, enum book_field id, const char *expected)
{
	const char *value = fields_get(f, id);

	if (!expected)
		assert_null(value);
	else if (!value)
		fail_msg("no \"%s\"", expected);
	else
		assert_string_equal(value, expected);
}

/* ---- ldif_rfc ---- */

/* A book of one entry with this in it. */
static struct book *one(const char *name, const char *mail)
{
	struct book *b = book_new("ldif");
	struct book_list *l = book_add_list(b, "1", LIST_FLAT, "");
	struct book_entry *e = book_add_entry(b, l, "7");

	book_set(b, &e->f, F_NAME, name);
	book_set(b, &book_add_dest(b, e, DEST_EMAIL)->f, F_ADDRESS, mail);
	return b;
}

static void ldif_rfc_what_is_safe_stands_as_it_is_the_rest_is_base64(void **state unused)
{
	static const struct {
		const char *value, *line;
	} T[] = {
		{"plain", "mail: plain\n"},
		{"a b:c<d", "mail: a b:c<d\n"},
		{"\x01\x7f\t", "mail: \x01\x7f\t\n"},
		{" lead", "mail:: IGxlYWQ=\n"},
		{"trail ", "mail:: dHJhaWwg\n"},
		{":colon", "mail:: OmNvbG9u\n"},
		{"<less", "mail:: PGxlc3M=\n"},
		{"a\nb", "mail:: YQpi\n"},
		{"a\rb", "mail:: YQ1i\n"},
		{"\xc3\xa9", "mail:: w6k=\n"},
		{"#hash", "mail: #hash\n"},
		{"a:: b", "mail: a:: b\n"},
	};

	for (size_t i = 0; i < array_len(T); i++) {
		struct book *b = one("Ana", T[i].value), *again;
		struct buf out = encoded(b, (struct span){.n = 0});

		if (!strstr(buf_str(&out), T[i].line))
			fail_msg("no %s in %s", T[i].line, buf_str(&out));
		again = decoded(buf_span(&out));
		field(&again->list[0].entry[0].dest[0].f, F_ADDRESS, T[i].value);
		book_free(again);
		book_free(b);
		buf_fini(&out);
	}
}

static void ldif_rfc_lines_have_76_octets_at_most_and_fold_between_characters(void **state unused)
{
	struct buf name = BUF_INIT;

	for (size_t n = 1; n < 200; n++) {
		struct book *b, *again;
		struct buf out;
		size_t longest = 0;

		buf_adds(&name, n % 7 ? "x" : "\xe6\x97\xa5");
		b = one(buf_str(&name), buf_str(&name));
		out = encoded(b, (struct span){.n = 0});
		for (const char *p = buf_str(&out); *p; p += strcspn(p, "\n") + 1)
			longest = size_max(longest, strcspn(p, "\n"));
		assert_true(longest <= 76);
		assert_int_equal(strncmp(buf_str(&out), "version: 1\n", 11), 0);
		again = decoded(buf_span(&out));
		assert_string_equal(entry_name(&again->list[0].entry[0]), buf_str(&name));
		book_free(again);
		book_free(b);
		buf_fini(&out);
	}
	buf_fini(&name);
}

static void refused_at(const char *text, const char *reason, uint32_t line, uint32_t column)
{
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	if (book_decode(text_span(text), &codec_ldif, NULL, &b, &f) == 0)
		fail_msg("read: %s", text);
	assert_string_equal(f.reason, reason);
	assert_int_equal(b->n_faults, 1);
	assert_int_equal(b->fault[0].line, line);
	assert_int_equal(b->fault[0].column, column);
	book_free(b);
}

static void ldif_rfc_what_is_none_is_refused_with_its_place(void **state unused)
{
	refused_at("dn: cn=Ana,o=B\nphoto:< file:///etc/passwd\n" PERSON, "url", 2, 8);
	refused_at("dn: cn=Ana,o=B\nchangetype: modify\nreplace: cn\ncn: Bo\n-\n", "change_record",
		2, 1);
	refused_at("dn: cn=Ana,o=B\nchangetype: add\n" PERSON, "change_record", 2, 1);
	refused_at("dn: cn=Ana,o=B\ncontrol: 1.2.3\nchangetype: delete\n", "change_record", 2, 1);
	refused_at("version: 2\n" ANA, "version", 1, 1);
	refused_at(ANA "version: 1\n" ANA, "version", 8, 1);
	refused_at("cn: Ana\n" ANA, "no_dn", 1, 1);
	refused_at("dn: Ana\n" PERSON, "dn", 1, 1);
	refused_at("dn:\n" PERSON, "dn", 1, 1);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail:: !!!!\n", "base64", 5, 8);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail:: YR==\n", "base64", 5, 8);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail: Ren\xc3\xa9\n", "not_safe", 5, 10);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail: :x\n", "not_safe", 5, 7);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail: <x\n", "not_safe", 5, 7);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail: a\rb\n", "bare_cr", 5, 8);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail: \xff\n", "charset", 5, 7);
	refused_at("dn: cn=Ana,o=B\n" PERSON "mail\n", "no_colon", 5, 1);
	refused_at("dn: cn=Ana,o=B\n" PERSON "m il: x\n", "name", 5, 1);
	refused_at(" x\n" ANA, "no_colon", 1, 1);
	refused_at(ANA ANA, "duplicate_dn", 8, 1);
	refused_at("", "empty", 0, 0);
}

static void bounds_hold_for_lines_values_and_records(void **state unused)
{
	struct buf b = BUF_INIT;
	struct book *book = NULL;
	struct fault f = FAULT_INIT;

	buf_adds(&b, "dn: cn=Ana,o=B\n" PERSON "description: x\n");
	for (size_t i = 0; i < 1000; i++)
		buf_adds(&b, " \n");
	assert_int_equal(book_decode(buf_span(&b), &codec_ldif, NULL, &book, &f), 0);
	book_free(book);
	buf_adds(&b, " ");
	for (size_t i = 0; i <= BOOK_FIELD_MAX; i++)
		buf_adds(&b, "x");
	assert_int_equal(book_decode(buf_span(&b), &codec_ldif, NULL, &book, &f), -1);
	assert_int_equal(f.code, CN_RESPONSE_TOO_BIG);
	assert_string_equal(f.reason, "field");
	book_free(book);
	buf_reset(&b);
	buf_adds(&b, "dn: cn=Ana,o=B\n" PERSON "description: x\n");
	for (size_t i = 0; i <= BOOK_FIELD_MAX; i++) /* without end, without anything in it */
		buf_adds(&b, " \n");
	f = FAULT_INIT;
	assert_int_equal(book_decode(buf_span(&b), &codec_ldif, NULL, &book, &f), -1);
	assert_string_equal(f.reason, "field");
	book_free(book);
	buf_reset(&b);
	buf_adds(&b, "dn: cn=Ana,o=B\n");
	for (size_t i = 0; i < BOOK_COLUMNS_MAX; i++)
		buf_adds(&b, "l: x\n");
	f = FAULT_INIT;
	assert_int_equal(book_decode(buf_span(&b), &codec_ldif, NULL, &book, &f), -1);
	assert_string_equal(f.reason, "fields");
	book_free(book);
	buf_fini(&b);
}

static void lenient_reading_takes_additions_and_lists_every_fault(void **state unused)
{
	static const struct decode_options LENIENT = {.lenient = true};
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	assert_int_equal(
		book_decode(text_span("dn: cn=Ana,o=B\nchangetype: add\n" PERSON
				      "\ndn: cn=Bo,o=B\nchangetype: delete\n\nx\ny\n\n" ANA),
			&codec_ldif, &LENIENT, &b, &f),
		0);
	assert_int_equal(b->n_faults, 5);
	assert_true(b->fault[0].warning);
	assert_string_equal(b->fault[1].reason, "change_record");
	assert_int_equal(b->fault[3].line, 11);
	assert_string_equal(b->fault[4].reason, "duplicate_dn");
	assert_int_equal(b->n_entries, 1);
	book_free(b);
}

/* ---- names of entries ---- */

static void a_name_is_escaped_and_compared_by_rfc_4514(void **state unused)
{
	static const struct {
		const char *value, *escaped;
	} T[] = {
		{"Smith, John", "Smith\\, John"},
		{"#1", "\\#1"},
		{" a ", "\\ a\\ "},
		{" ", "\\ "},
		{"a+b\"c;d<e>f\\g=h", "a\\+b\\\"c\\;d\\<e\\>f\\\\g=h"},
		{"a\nb", "a\\0Ab"},
		{"\xc3\xa9", "\xc3\xa9"},
	};

	for (size_t i = 0; i < array_len(T); i++) {
		struct buf dn = BUF_INIT, value = BUF_INIT;

		buf_adds(&dn, "CN=");
		dn_add_value(T[i].value, &dn);
		assert_string_equal(buf_str(&dn) + 3, T[i].escaped);
		buf_adds(&dn, "+uid=7,o=B");
		assert_true(dn_valid(buf_str(&dn)));
		assert_true(dn_value(buf_str(&dn), "cn", &value));
		assert_string_equal(buf_str(&value), T[i].value);
		assert_string_equal(dn_parent(buf_str(&dn)), "o=B");
		buf_fini(&dn);
		buf_fini(&value);
	}
}

static void equal_names_have_one_normal_form(void **state unused)
{
	static const char *const SAME[] = {"cn=Smith\\, John+uid=7,ou=A,o=B",
		"CN=Smith\\2C John+UID=7, OU=A, O=B", "uid=7+cn=Smith\\2c\\20John,ou=A,o=B"};

	for (size_t i = 0; i < array_len(SAME); i++) {
		struct buf b = BUF_INIT;

		assert_true(dn_valid(SAME[i]));
		dn_normal(SAME[i], &b);
		assert_string_equal(buf_str(&b), "cn=Smith\\, John+uid=7,ou=A,o=B");
		buf_fini(&b);
	}
}

static void what_is_no_name_is_told(void **state unused)
{
	static const char *const BAD[] = {"x", "cn", "=x", "cn=a,", "cn=a,,o=b", "cn=a;b", "cn=a\\",
		"cn=a\\0", "cn=a\\00", "c n=a", "cn=\"a\"", "cn=a+", "cn=\\FF"};

	for (size_t i = 0; i < array_len(BAD); i++)
		if (dn_valid(BAD[i]))
			fail_msg("%s", BAD[i]);
	assert_true(dn_valid(""));
	assert_true(dn_valid("cn=a=b"));
	assert_true(dn_valid("2.5.4.3=a"));
}

/* ---- the samples ---- */

static void a_book_of_ours_comes_back_with_folders_groups_and_lists(void **state unused)
{
	struct book *b = sample("carnet.ldif");
	const struct book_entry *e = b->list[0].entry;

	assert_int_equal(b->n_lists, 1);
	assert_string_equal(b->list[0].slot, "3");
	assert_string_equal(b->list[0].name, "Sales");
	assert_int_equal(b->list[0].n_entries, 3);
	assert_string_equal(e[0].key, "201");
	assert_string_equal(entry_name(&e[0]), "\xc3\x89milie D\xc3\xbcrr");
	field(&entry_dest(&e[0], DEST_FAX)->f, F_FAX_NUMBER, "+49 89 0123-456");
	assert_int_equal(e[0].n_extras, 0);
	field(&e[1].dest[0].f, F_PROTOCOL, "smb");
	field(&e[1].dest[0].f, F_HOST, "srv-files.example.com");
	field(&e[1].dest[0].f, F_PORT, "4450");
	field(&e[1].dest[0].f, F_PATH, "/finance/scan in/2026-11-21");
	field(&e[1].dest[0].f, F_ACCOUNT, "EXAMPLE\\scanner");
	assert_true(e[2].group);
	assert_int_equal(e[2].n_members, 3);
	assert_string_equal(e[2].member[0].key, "201");
	assert_string_equal(e[2].member[1].key, "202");
	assert_null(e[2].member[2].key);
	assert_string_equal(e[2].member[2].text, "Nobody");
	book_free(b);
}

static void a_directory_is_read_and_what_is_not_known_is_kept(void **state unused)
{
	struct book *b = sample("directory.ldif");
	const struct book_entry *e = b->list[0].entry;

	assert_string_equal(b->list[0].slot, "people");
	assert_int_equal(b->n_entries, 3);
	assert_string_equal(e[0].key, "jsmith");
	assert_string_equal(entry_name(&e[0]), "John Smith");
	assert_int_equal(e[0].n_dests, 2);
	assert_string_equal(entry_extra(&e[0], "cn")->value, "Johnny");
	assert_string_equal(entry_extra(&e[0], "uidNumber")->value, "01000");
	assert_string_equal(
		entry_extra(&e[0], "description;lang-fr")->value, "C\xc3\xb4t\xc3\xa9 cour");
	assert_non_null(entry_extra(&e[0], "jpegPhoto:"));
	assert_non_null(entry_extra(&e[0], "labeledURI"));
	for (uint32_t i = 0; i < e[0].n_extras; i++)
		assert_null(strstr(e[0].extra[i].name, "assword"));
	assert_int_equal(b->n_faults, 1);
	assert_string_equal(b->fault[0].reason, "password");
	assert_string_equal(e[1].key,
		"cn=\xe4\xbd\x90\xe8\x97\xa4 \xe4\xb8\x80\xe9\x83\x8e,ou=people,"
		"dc=example,dc=com");
	assert_string_equal(e[2].member[0].key, "jsmith");
	assert_string_equal(e[2].member[1].key, e[1].key);
	assert_null(e[2].member[2].key);
	book_free(b);
}

static void lists_of_equal_units_stay_apart(void **state unused)
{
	struct book *b =
		decoded(text_span("dn: cn=Ana,ou=Users,ou=Paris,o=B\n" PERSON
				  "\ndn: cn=Ana,ou=Users,ou=Berlin,o=B\n" PERSON
				  "\ndn: cn=Ana,o=B\n" PERSON "\ndn: cn=Ana,o=C\n" PERSON));

	assert_int_equal(b->n_lists, 4);
	assert_string_equal(b->list[0].slot, "Users");
	assert_string_equal(b->list[1].slot, "ou=Users,ou=Berlin,o=B");
	assert_string_equal(b->list[2].slot, "1");
	assert_string_equal(b->list[3].slot, "o=C");
	book_free(b);
}

static void folders_of_every_kind_go_through_a_uri(void **state unused)
{
	static const struct {
		const char *uri;
		enum book_field id;
		const char *value;
	} T[] = {
		{"ftp://[fe80::1]:2121/a carnet", F_HOST, "fe80::1"},
		{"ftp://[fe80::1]:2121/a carnet", F_PORT, "2121"},
		{"smb:///%5C%5Cserver%5Cshare carnet", F_PATH, "\\\\server\\share"},
		{"smb://h//a/%2520 carnet", F_PATH, "/a/%20"},
		{"webdav://h/p?proxy=false&ssl=true carnet", F_SSL, "true"},
		{"webdav://h/p?proxy=false&ssl=true carnet", F_PROXY, "false"},
		{"ftp://%C3%A9%40x@h carnet", F_ACCOUNT, "\xc3\xa9@x"},
		{"file:///p carnet", F_PROTOCOL, NULL},
	};

	for (size_t i = 0; i < array_len(T); i++) {
		struct buf text = BUF_INIT;
		struct book *b;

		buf_addf(&text, "dn: cn=Ana,o=B\n" PERSON "labeledURI: %s\n", T[i].uri);
		b = decoded(buf_span(&text));
		assert_int_equal(b->list[0].entry[0].n_dests, 1);
		field(&b->list[0].entry[0].dest[0].f, T[i].id, T[i].value);
		book_free(b);
		buf_fini(&text);
	}
}

static void a_uri_that_is_not_ours_is_kept_as_it_is(void **state unused)
{
	static const char *const OTHERS[] = {"ftp://h/a", "ftp://h/a Carnet", "FTP://h/a carnet",
		"ftp://h/%7E carnet", "ftp://h/%2f carnet", "h/a carnet", "ftp://h/%FF carnet",
		"ftp://h?name=x carnet", "ftp://h:/a carnet", " carnet"};

	for (size_t i = 0; i < array_len(OTHERS); i++) {
		struct buf text = BUF_INIT;
		struct book *b;

		buf_addf(&text, "dn: cn=Ana,o=B\n" PERSON "labeledURI: %s\n", OTHERS[i]);
		b = decoded(buf_span(&text));
		if (b->list[0].entry[0].n_dests)
			fail_msg("%s", OTHERS[i]);
		assert_int_equal(b->list[0].entry[0].n_extras, 1);
		book_free(b);
		buf_fini(&text);
	}
}

/* ---- writing ---- */

static void becomes(struct book *b, const char *base, const char *expected)
{
	struct buf out = encoded(b, text_span(base));

	assert_string_equal(buf_str(&out), expected);
	buf_fini(&out);
	book_free(b);
}

static void a_changed_address_changes_its_line_alone_l3(void **state unused)
{
	static const char BASE[] = "dn: cn=Ana,o=B\r\nobjectClass: person\r\ncn: Ana\r\n"
				   "MAIL:ana@example.com\r\nsn: Ana\r\nx: 1";
	struct book *b = decoded(text_span(BASE));

	book_set(b, &b->list[0].entry[0].dest[0].f, F_ADDRESS, "a@example.org");
	becomes(b, BASE,
		"dn: cn=Ana,o=B\r\nobjectClass: person\r\ncn: Ana\r\n"
		"MAIL: a@example.org\r\nsn: Ana\r\nx: 1");
}

static void a_new_name_renames_the_entry_and_those_who_refer_to_it(void **state unused)
{
	static const char BASE[] = "dn: cn=Ana,o=B\n" PERSON "\n"
				   "dn: cn=All,o=B\nobjectClass: groupOfNames\ncn: All\n"
				   "member: CN=Ana, O=B\nmember: cn=Bo,o=B\n\n"
				   "dn: cn=Bo,o=B\nobjectClass: person\ncn: Bo\nsn: Bo\n";
	struct book *b = decoded(text_span(BASE));

	book_set(b, &b->list[0].entry[2].f, F_NAME, "Zoe Fox");
	becomes(b, BASE,
		"dn: cn=Ana,o=B\n" PERSON "\n"
		"dn: cn=All,o=B\nobjectClass: groupOfNames\ncn: All\n"
		"member: CN=Ana, O=B\nmember: cn=Zoe Fox,o=B\n\n"
		"dn: cn=Zoe Fox,o=B\nobjectClass: person\ncn: Zoe Fox\nsn: Fox\n");
}

static void a_new_entry_follows_a_file_without_its_last_line_end(void **state unused)
{
	static const char BASE[] =
		"version: 1\ndn: cn=Ana,o=B\nobjectClass: person\ncn: Ana\nuid: 7";
	struct book *b = decoded(text_span(BASE));
	struct book_entry *e = book_add_entry(b, &b->list[0], "8");

	book_set(b, &e->f, F_NAME, "ana"); /* the same to a server: it gets its key, too */
	book_set(b, &book_add_dest(b, e, DEST_FAX)->f, F_FAX_NUMBER, "00 1");
	becomes(b, BASE,
		"version: 1\ndn: cn=Ana,o=B\nobjectClass: person\ncn: Ana\nuid: 7\n\n"
		"dn: cn=ana+uid=8,o=B\nobjectClass: inetOrgPerson\nobjectClass: top\n"
		"objectClass: person\nobjectClass: organizationalPerson\ncn: ana\nsn: ana\n"
		"displayName: ana\nfacsimileTelephoneNumber: 00 1\nuid: 8\n\n");
}

static void a_list_that_goes_takes_its_unit_and_one_renamed_keeps_it(void **state unused)
{
	struct buf file = slurp(DIR "carnet.ldif");
	struct book *b = decoded(buf_span(&file));
	struct buf out;

	b->list[0].name = "Marketing";
	out = encoded(b, buf_span(&file));
	assert_non_null(strstr(buf_str(&out), "ou: 3\ndescription: Marketing\nbusinessCategory"));
	assert_int_equal(out.n, file.n + strlen("Marketing") - strlen("Sales"));
	buf_fini(&out);
	b->n_lists = 0;
	out = encoded(b, buf_span(&file));
	assert_string_equal(buf_str(&out),
		"version: 1\n\ndn: o=Address Book\nobjectClass: top\nobjectClass: organization\n"
		"o: Address Book\n\n");
	buf_fini(&out);
	b->n_lists = 1;
	book_free(b);
	buf_fini(&file);
}

static void what_ldif_cannot_hold_is_refused(void **state unused)
{
	struct book *b = one("Ana", "a@example.com");
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	book_add_dest(b, &b->list[0].entry[0], DEST_BOX);
	assert_int_equal(book_encode(b, &codec_ldif, NULL, &out, NULL, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
	book_free(b);
	b = one(NULL, "a@example.com");
	assert_int_equal(book_encode(b, &codec_ldif, NULL, &out, NULL, &f), -1);
	book_free(b);
	buf_fini(&out);
}

static void ldif_is_known_by_its_content_ab_14(void **state unused)
{
	assert_true(codec_ldif.detect(text_span("version: 1\n")) > 0);
	assert_true(codec_ldif.detect(text_span("# c\n\ndn: cn=a,o=b\n")) >= 90);
	assert_true(codec_ldif.detect(text_span("version: 1\ndn:: Y249YQ==\n")) >= 90);
	assert_int_equal(codec_ldif.detect(text_span("dn: 200\ncn: Ana\n")), 0);
	assert_int_equal(codec_ldif.detect(text_span("subdbid: 1\ndn: 200\n")), 0);
	assert_int_equal(codec_ldif.detect(text_span("name,mail\n")), 0);
}

static void not_over(struct book *b, const char *base, const char *what)
{
	const struct encode_options o = {.base = text_span(base)};
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	assert_int_equal(book_encode(b, &codec_ldif, &o, &out, NULL, &f), -1);
	assert_string_equal(f.reason, "no_place");
	if (!strstr(f.detail, what))
		fail_msg("%s", f.detail);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	book_free(b);
}

static void over_a_file_nothing_is_left_out_without_a_word_l4(void **state unused)
{
	static const char BASE[] = "dn: cn=Ana,o=B\n" PERSON "\n";
	struct book *b = decoded(text_span(BASE));

	book_add_tag(b, &b->list[0].entry[0], "title1", "1");
	not_over(b, BASE, "tags");
	b = decoded(text_span(BASE));
	book_set(b, &b->list[0].entry[0].f, F_READING, "ana");
	not_over(b, BASE, "Ana");
	b = decoded(text_span(BASE));
	book_add_extra(b, &b->list[0].entry[0], "two words", "x");
	not_over(b, BASE, "would not be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ldif_rfc_what_is_safe_stands_as_it_is_the_rest_is_base64),
		cmocka_unit_test(ldif_rfc_lines_have_76_octets_at_most_and_fold_between_characters),
		cmocka_unit_test(ldif_rfc_what_is_none_is_refused_with_its_place),
		cmocka_unit_test(bounds_hold_for_lines_values_and_records),
		cmocka_unit_test(lenient_reading_takes_additions_and_lists_every_fault),
		cmocka_unit_test(a_name_is_escaped_and_compared_by_rfc_4514),
		cmocka_unit_test(equal_names_have_one_normal_form),
		cmocka_unit_test(what_is_no_name_is_told),
		cmocka_unit_test(a_book_of_ours_comes_back_with_folders_groups_and_lists),
		cmocka_unit_test(a_directory_is_read_and_what_is_not_known_is_kept),
		cmocka_unit_test(lists_of_equal_units_stay_apart),
		cmocka_unit_test(folders_of_every_kind_go_through_a_uri),
		cmocka_unit_test(a_uri_that_is_not_ours_is_kept_as_it_is),
		cmocka_unit_test(a_changed_address_changes_its_line_alone_l3),
		cmocka_unit_test(a_new_name_renames_the_entry_and_those_who_refer_to_it),
		cmocka_unit_test(a_new_entry_follows_a_file_without_its_last_line_end),
		cmocka_unit_test(a_list_that_goes_takes_its_unit_and_one_renamed_keeps_it),
		cmocka_unit_test(what_ldif_cannot_hold_is_refused),
		cmocka_unit_test(over_a_file_nothing_is_left_out_without_a_word_l4),
		cmocka_unit_test(ldif_is_known_by_its_content_ab_14),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
