// SPDX-License-Identifier: Apache-2.0
/* How long a search and a comparison take through the storage service. Run by search.sh.
 *     storage_search ROUNDS */
#include "tests/service/storage_client.h"

static struct host one;
static struct ask a;
static uint64_t all_us[100000];
static size_t all_n;

/* ---- figures ---- */

static int by_number(const void *x, const void *y)
{
	const uint64_t *p = x, *q = y;
	return *p < *q ? -1 : *p > *q;
}

static double at(const uint64_t *sorted, size_t n, double part)
{
	return (double)sorted[(size_t)((double)(n - 1) * part)] / 1000;
}

static void print_line(const char *what, uint64_t *us, size_t n, const char *found)
{
	qsort(us, n, sizeof(*us), by_number);
	(void)printf("%-44s p50 %7.2f ms  p99 %7.2f ms  max %7.2f ms  %s\n", what, at(us, n, .5),
		at(us, n, .99), at(us, n, 1), found);
}

/* ---- questions ---- */

/* Values taken from the index itself, one per line. */
struct sample {
	char *line[2000];
	size_t n;
};

static void take_sample(struct sample *s, const char *query)
{
	sql("%s", query);
	s->n = 0;
	char *rest = sql_out, *line;
	while (s->n < array_len(s->line) && (line = strsep(&rest, "\n")) != NULL)
		if (line[0] != 0)
			s->line[s->n++] = mem_strdup(line);
	bug_if(s->n == 0);
}

static void sample_free(struct sample *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->line[i]);
}

struct question {
	const char *what, *sample;  /* SQL that gives values */
	const char *before, *after; /* around the value in the text */
	const char *kind, *site;
	bool past, history;
	int pages;
};

static const struct question questions[] = {
	{"a whole fax number",
		"select reverse(word) from store.book_word where kind = 6 and entry_id % 997 = 0 "
		"limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"the last 6 digits of one",
		"select right(reverse(word), 6) from store.book_word where kind = 6 and entry_id % "
		"997 = 1"
		" limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"the last 3 digits",
		"select distinct right(reverse(word), 3) from store.book_word where kind = 6 and"
		" entry_id % 997 = 2 limit 200",
		"fax:", "", NULL, NULL, false, false, 1},
	{"a whole e-mail address",
		"select substr(record::json ->> 'dest', 7) from store.book_entry where kinds = 2 "
		"and"
		" id % 997 = 3 limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"a last name",
		"select distinct split_part(name, ' ', 2) from store.book_entry where id % 499 = 4 "
		"limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"first and last name", "select name from store.book_entry where id % 997 = 5 limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"a last name, 100 days ago",
		"select distinct split_part(name, ' ', 2) from store.book_entry where id % 499 = 6 "
		"limit 200",
		"", "", NULL, NULL, true, false, 1},
	{"a last name, everything that ever stood",
		"select distinct split_part(name, ' ', 2) from store.book_entry where id % 499 = 7 "
		"limit 200",
		"", "", NULL, NULL, false, true, 1},
	{"one letter", "select chr(97 + g) from generate_series(0, 25) g", "", "", NULL, NULL,
		false, false, 1},
	{"two letters, a kind, a site",
		"select distinct left(name, 2) from store.book_entry where id % 499 = 8 limit 200",
		"", "", "fax", "site-7", false, false, 1},
	{"what nearly all have: example.org, 5 pages", "select 'example.org'", "email:", "", NULL,
		NULL, false, false, 5},
	{"two common words",
		"select left(name, 2) || ' ' || left(split_part(name, ' ', 2), 2) from "
		"store.book_entry"
		" where id % 997 = 9 limit 200",
		"", "", NULL, NULL, false, false, 1},
	{"two common words never together",
		"select distinct left(name, 2) from store.book_entry limit 20",
		"host:", " example.org", NULL, NULL, false, false, 1},
	{"a common word on a site without it",
		"select distinct left(name, 2) from store.book_entry where id % 499 = 10 limit 200",
		"", "", NULL, "nowhere", false, false, 1},
	{"nothing", "select 'zzz' || g from generate_series(1, 50) g", "", "", NULL, NULL, false,
		false, 1},
};

static int64_t newest_ms;

struct tally {
	uint64_t us[20000];
	size_t n, rows, empty, unfinished;
};
static struct tally t;

static void ask_once(const struct question *q, const char *value)
{
	char text[512], cursor[512];
	struct m_entry_search m = {.q = text, .kind = q->kind, .site = q->site};
	(void)snprintf(text, sizeof(text), "%s%s%s", q->before, value, q->after);
	if (q->past)
		m.at = newest_ms - INT64_C(100) * 86400 * 1000;
	if (q->history)
		m.from = 1;
	for (int page = 0; page < q->pages; page++) {
		uint64_t start = clock_mono_ns();
		if (ask(&a, one.client, 0, &m_entry_search_desc, &m) < 0)
			(void)fprintf(stderr, "%s: %s\n", text, a.fault.detail);
		bug_if(a.fault.code != 0);
		bug_if(t.n == array_len(t.us) || all_n == array_len(all_us));
		t.us[t.n++] = all_us[all_n++] = (clock_mono_ns() - start) / 1000;
		const struct m_entry_page *p = a.body;
		t.rows += p->items_n;
		t.empty += p->items_n == 0;
		if (p->next == NULL || p->next[0] == 0)
			return;
		t.unfinished += p->items_n < 100;
		(void)snprintf(cursor, sizeof(cursor), "%s", p->next);
		m.cursor = cursor;
	}
}

static void run(const struct question *q, int rounds)
{
	static struct sample s;
	char found[128];
	take_sample(&s, q->sample);
	t = (struct tally){.n = 0};
	ask_once(q, s.line[0]); /* plans are made */
	t = (struct tally){.n = 0};
	for (int i = 0; i < rounds; i++)
		ask_once(q, s.line[(size_t)i % s.n]);
	(void)snprintf(found, sizeof(found), "%.1f rows a page, %zu of %zu pages short",
		(double)t.rows / (double)t.n, t.unfinished, t.n);
	print_line(q->what, t.us, t.n, found);
	sample_free(&s);
}

/* ---- comparisons ---- */

static char *book_text_of(int first, int entries, int changed)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n\r\n");
	for (int i = 0; i < entries; i++)
		buf_addf(&b,
			"subdbid: 1\r\ndn: %d\r\ncn: Person %d%s\r\ncnread: \r\n"
			"mailaddress: p%d@example.org\r\nenablepartial: false\r\n"
			"objectclass: email\r\n\r\n",
			201 + i, first + i, i < changed ? " changed" : "", first + i);
	return buf_detach(&b);
}

static char *book_text(int entries, int changed)
{
	return book_text_of(0, entries, changed);
}

static void compare(int entries, int rounds)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.run = new_id(),
		.request = new_id(),
		.token = (uint64_t)entries,
		.n = 1};
	struct m_version_diff m;
	char what[64];
	for (int v = 0; v < 2; v++) {
		s.parts[0] = (struct part){"list_1", book_text(entries, v * 3), 0};
		s.run = new_id();
		s.token++;
		grant(&s);
		bug_if(store_run(&s) < 0);
		*(v == 0 ? &m.a : &m.b) = s.result.version;
	}
	m = (struct m_version_diff){.a = m.a, .b = m.b};
	t = (struct tally){.n = 0};
	for (int i = 0; i < rounds; i++) {
		uint64_t start = clock_mono_ns();
		bug_if(ask(&a, one.client, 0, &m_version_diff_desc, &m) < 0);
		t.us[t.n++] = all_us[all_n++] = (clock_mono_ns() - start) / 1000;
		bug_if(((const struct m_version_changes *)a.body)->changed != 3);
	}
	(void)snprintf(what, sizeof(what), "version diff, two books of %d entries", entries);
	print_line(what, t.us, t.n, "from the vault, 3 changed");
}

/* ---- reading books into the index ---- */

static double wait_empty(void)
{
	uint64_t start = clock_mono_ns();
	do {
		struct timespec pause = {0, 5000000};
		(void)nanosleep(&pause, NULL);
		sql("select count(*) from store.book_queue");
	} while (sql_number() > 0);
	return (double)(clock_mono_ns() - start) / 1e9;
}

/* Every book of its own: first all entries are new, then three of each. The service begins to read
 * when everything is stored. */
static void read_books(int devices, int entries)
{
	struct store *s = mem_alloc((size_t)devices * sizeof(*s));
	double seconds[2];
	for (int v = 0; v < 2; v++) {
		host_kill(&one, SIGTERM);
		put_env("CARNET_BOOK_INDEX", "false");
		host_start(&one, 1, "vault", NULL, 0);
		host_ready(&one);
		for (int i = 0; i < devices; i++) {
			if (v == 0)
				s[i] = (struct store){.client = one.client,
					.device = new_id(),
					.request = new_id(),
					.token = (uint64_t)i + 1,
					.n = 1};
			s[i].run = new_id();
			s[i].parts[0] = (struct part){
				"list_1", book_text_of(i * entries, entries, v * 3), 0};
			if (v == 0)
				grant(&s[i]);
			bug_if(store_run(&s[i]) < 0);
			free((char *)(uintptr_t)s[i].parts[0].text);
		}
		host_kill(&one, SIGTERM);
		put_env("CARNET_BOOK_INDEX", "true");
		host_start(&one, 1, "vault", NULL, 0);
		host_ready(&one);
		seconds[v] = wait_empty();
	}
	(void)printf("reading into the index, %d books of %d entries: all new %.1f books/s,"
		     " %.0f entries/s; three changed %.1f books/s\n",
		devices, entries, devices / seconds[0], devices * entries / seconds[0],
		devices / seconds[1]);
	free(s);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	client_setup();
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	sql("select (select count(*) from store.version) || ' versions, ' ||"
	    " (select count(*) from store.book_device) || ' devices, ' ||"
	    " (select count(*) from store.book_entry) || ' contents, ' ||"
	    " (select count(*) from store.book_word) || ' words, ' ||"
	    " (select count(*) from store.book_presence) || ' intervals, ' ||"
	    " pg_size_pretty((select sum(pg_total_relation_size(c.oid)) from pg_class c join "
	    "pg_namespace"
	    " n on n.oid = c.relnamespace where n.nspname = 'store' and c.relkind = 'r' and "
	    "c.relname"
	    " like 'book%%')) || ' of index'");
	(void)printf("search over %s\n", sql_out);
	sql("select (extract(epoch from max(committed_at)) * 1000)::bigint from store.version");
	newest_ms = sql_number();
	for (size_t i = 0; i < array_len(questions); i++)
		run(&questions[i], rounds);
	size_t searches = all_n;
	print_line("all searches", all_us, searches, "target p99 100 ms");
	all_n = 0;
	compare(1000, rounds);
	compare(5000, rounds);
	read_books(100, 900);
	host_kill(&one, SIGTERM);
	client_end();
	return 0;
}
