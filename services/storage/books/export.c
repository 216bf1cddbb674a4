// SPDX-License-Identifier: Apache-2.0
/* What a version gives in other forms (docs/spec/address-books.md 6 and 11.1, storage.md section
 * 15): its book in another format, for a spreadsheet, or all of it in one archive. What would be
 * lost is said first, and the file is given when that was accepted. Passwords that stand in clear
 * are never in what is made here. */
#include <string.h>

#include "common/book/convert/read_back.h"
#include "common/book/formats/view.h"
#include "services/storage/books/opened_book.h"

#define EXPORT_MAX ((size_t)16 * 1024 * 1024)
#define WITHHELD "passwords are in no export"

struct exporting {
	struct call *call;
	struct opened opened;
	const struct codec *codec; /* NULL: the view */
	bool all;                  /* the bundle */
	bool report;               /* what is lost, instead of the book */
	const char *ext;
	struct ledger ledger;
	uint32_t losses; /* lines of it, at last */
	struct buf bytes;
	struct span manifest, signature; /* of the bundle; the call's */
	struct bundle *bundle;
};

static const char *title(const struct exporting *x)
{
	return x->codec == NULL ? "view" : x->codec->name;
}

static int judge(const struct exporting *x, struct fault *f)
{
	const struct m_version_open *ask = x->call->body;
	const struct ledger *l = &x->ledger;
	uint32_t losses = ledger_losses(l);
	if (losses == 0 || ask->accept || x->report)
		return 0;
	const struct ledger_line *first = &l->line[0];
	for (uint32_t i = 0; i < l->n; i++)
		if (ledger_severity(l->line[i].action) >= SEVERITY_ACTION) {
			first = &l->line[i];
			break;
		}
	return fault_why(f, CN_CONFLICT, "would_lose_data",
		"%u losses in %s, the first: %.60s %.40s: %.60s", losses, title(x), first->name,
		first->field, first->reason);
}

/* ---- the book, written ---- */

static int convert(struct exporting *x, const struct book *from, struct book **ret, struct fault *f)
{
	const struct book_profile *profile = profile_named(x->codec->name);
	if (strcmp(x->codec->name, "carnet_json") == 0) {
		*ret = book_copy(from); /* holds everything of any family */
		return 0;
	}
	if (profile == NULL)
		profile = profile_for(x->codec->family, "");
	if (profile == NULL)
		return fault_why(f, CN_UNSUPPORTED_OPERATION, "format",
			"nothing is known of printers that read %s", x->codec->name);
	const struct convert_options how = {.target = profile, .codec = x->codec};
	return book_convert(from, &how, ret, &x->ledger, f);
}

/* Read again: it says what was meant. The passwords that it has not are written down. */
static int check(struct exporting *x, const struct book *meant, struct fault *f)
{
	static const struct decode_options lenient = {.lenient = true};
	struct book *back = NULL;
	int rc = x->codec == NULL ? view_import(buf_span(&x->bytes), &back, f)
				  : book_decode(buf_span(&x->bytes), x->codec, &lenient, &back, f);
	if (rc == 0)
		rc = book_says_the_same(
			meant, back, opened_profile(&x->opened, 0), WITHHELD, &x->ledger, f);
	book_wipe(back);
	book_free(back);
	return rc;
}

static int write_view(struct exporting *x, const struct book *from, struct fault *f)
{
	view_export(from, &x->bytes);
	if (x->bytes.err)
		return fault_why(f, CN_CAPACITY_EXCEEDED, "too_big", "too large for a view");
	return check(x, from, f);
}

static int write_book(struct exporting *x, const struct book *from, struct fault *f)
{
	struct book *to = NULL;
	if (x->codec == NULL)
		return write_view(x, from, f);
	int rc = convert(x, from, &to, f);
	if (rc == 0)
		rc = book_encode(to, x->codec, NULL, &x->bytes, &x->ledger, f);
	if (rc == 0)
		rc = judge(x, f);
	if (rc == 0)
		rc = check(x, to, f);
	book_wipe(to);
	book_free(to);
	return rc;
}

/* ---- the report of losses (ST-79) ---- */

/* What the device's file says and nobody understands is not in the book. */
static void note_faults(struct exporting *x)
{
	const struct version_book *v = &x->opened.read[0];
	for (size_t i = 0; i < v->n_kept; i++)
		ledger_add(&x->ledger, &(struct ledger_line){.action = LEDGER_DROPPED,
					       .list = v->fault[i].item,
					       .field = v->fault[i].f.where,
					       .reason = v->fault[i].f.text});
}

static void write_report(const struct exporting *x, bool csv, struct buf *out)
{
	if (csv) {
		ledger_csv(&x->ledger, out);
		return;
	}
	buf_addf(out, "{\"format\":\"%s\",\"lines\":%u,\"losses\":", title(x), x->ledger.n);
	ledger_json(&x->ledger, out);
	buf_adds(out, "}\n");
}

static void end_ledger(struct exporting *x)
{
	x->losses = x->ledger.n;
	ledger_fini(&x->ledger);
}

/* ---- on the work pool ---- */

static void make_book(struct opened *o)
{
	struct exporting *x = o->arg;
	const struct m_version_open *ask = x->call->body;
	if (o->read[0].book == NULL || o->read[0].broken) {
		fault_why(&o->fault, CN_VALIDATION_FAILED, "no_book",
			"this version holds no book that can be read to its end");
		return;
	}
	ledger_init(&x->ledger);
	int rc = write_book(x, o->read[0].book, &o->fault);
	if (rc == 0) {
		note_faults(x);
		if (x->report) {
			buf_wipe(&x->bytes);
			write_report(x, strcmp(ask->losses, "csv") == 0, &x->bytes);
		}
		if (x->bytes.n > EXPORT_MAX)
			fault_why(&o->fault, CN_CAPACITY_EXCEEDED, "too_big",
				"more than 16 MiB: export the items");
	}
	end_ledger(x);
	if (o->fault.code != 0)
		buf_wipe(&x->bytes);
}

/* The archive says of itself why there is no book in it. */
static void note_no_book(struct exporting *x, const char *why)
{
	buf_wipe(&x->bytes);
	ledger_add(&x->ledger, &(struct ledger_line){.action = LEDGER_DROPPED, .reason = why});
}

static void make_canonical(struct exporting *x, const struct version_book *v)
{
	struct fault f = FAULT_INIT;
	if (v->book == NULL)
		note_no_book(
			x, "no codec knows these items: they are here as the device gave them");
	else if (write_book(x, v->book, &f) < 0)
		note_no_book(x, f.detail);
	else if (x->bytes.n > EXPORT_MAX)
		note_no_book(x, "the book is larger than 16 MiB");
	note_faults(x);
}

static void add_bytes(struct bundle *b, const char *name, struct span bytes)
{
	struct buf copy = BUF_INIT;
	buf_add(&copy, bytes.p, bytes.n);
	bundle_add(b, name, &copy);
}

static void make_bundle(struct opened *o)
{
	struct exporting *x = o->arg;
	const struct m_version *v = &o->version[0];
	char folder[FILE_NAME_MAX + 1];
	struct buf report = BUF_INIT;
	file_name_make(folder, v->serial[0] != 0 ? v->serial : v->device_name, kind_word(v->kind),
		v->generation, (uint64_t)v->committed_at, "");
	folder[strlen(folder) - 1] = 0; /* the dot */
	x->bundle = bundle_new(folder, v, o->items[0], o->items_n[0]);
	ledger_init(&x->ledger);
	make_canonical(x, &o->read[0]);
	write_report(x, false, &report);
	add_bytes(x->bundle, "manifest.json", x->manifest);
	add_bytes(x->bundle, "manifest.sig", x->signature);
	bundle_add(x->bundle, "losses.json", &report);
	if (x->bytes.n > 0)
		bundle_add(x->bundle, "book.carnet.json", &x->bytes);
	end_ledger(x);
}

/* ---- the answer ---- */

static void reply(struct opened *o)
{
	struct exporting *x = o->arg;
	const struct made m = {.version = &o->version[0],
		.name = x->report ? "losses"
			: x->all  ? "bundle"
				  : "book",
		.format = x->all ? "bundle" : title(x),
		.ext = x->ext,
		.whole = x->all ? NULL : &x->bytes,
		.bundle = x->bundle,
		.losses = x->losses};
	reading_make(x->call, &m);
}

static void with_manifest(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct exporting *x = arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(x->call, f);
		return;
	}
	if (db_rows(r[0]) > 0) { /* else opened_start refuses */
		struct arena *a = &x->call->arena;
		struct span manifest = db_get_bytes(r[0], 0, 0), sig = db_get_bytes(r[0], 0, 1);
		x->manifest = (struct span){arena_dup(a, manifest.p, manifest.n), manifest.n};
		x->signature = (struct span){arena_dup(a, sig.p, sig.n), sig.n};
	}
	opened_start(&x->opened);
}

/* What was asked for. 0, or -1 and the call is answered. */
static int choose(struct exporting *x)
{
	const struct m_version_open *ask = x->call->body;
	x->all = strcmp(ask->format, "bundle") == 0;
	x->report = ask->losses != NULL && ask->losses[0] != 0;
	if (x->report && strcmp(ask->losses, "json") != 0 && strcmp(ask->losses, "csv") != 0) {
		call_refuse(x->call, CN_VALIDATION_FAILED, "losses", "losses: json or csv");
		return -1;
	}
	if (x->all && x->report) {
		call_refuse(x->call, CN_VALIDATION_FAILED, "losses",
			"a bundle has its own report: losses.json in it");
		return -1;
	}
	x->codec = codec_named(x->all ? "carnet_json" : ask->format);
	if (x->codec == NULL && strcmp(ask->format, "view") != 0) {
		call_refuse(x->call, CN_VALIDATION_FAILED, "format", "no format '%s'", ask->format);
		return -1;
	}
	x->ext = x->all                             ? "carnet.zip"
		 : x->report && *ask->losses == 'c' ? "losses.csv"
		 : x->report                        ? "losses.json"
		 : x->codec == NULL                 ? "view.csv"
						    : file_suffix_written(x->codec);
	return 0;
}

void export_start(struct call *call)
{
	const struct m_version_open *ask = call->body;
	struct exporting *x = arena_alloc(&call->arena, sizeof(*x));
	bug_if(x == NULL);
	*x = (struct exporting){.call = call};
	if (choose(x) < 0)
		return;
	x->opened = (struct opened){.call = call,
		.n = 1,
		.id = {ask->id},
		.work = x->all ? make_bundle : make_book,
		.reply = reply,
		.arg = x};
	if (x->all)
		sql_manifest(&ask->id, x, with_manifest);
	else
		opened_start(&x->opened);
}
