// SPDX-License-Identifier: Apache-2.0
/* The book of a version in another format (docs/spec/address-books.md 11.1, storage.md section 15):
 * what would be lost is said first, and the file is given when that was accepted. Passwords are
 * never in it. */
#include <string.h>

#include "common/book/convert/convert.h"
#include "services/storage/opened_book.h"

#define EXPORT_MAX ((size_t)16 * 1024 * 1024)

struct exporting {
	struct call *call;
	struct opened opened;
	const struct codec *codec;
	struct buf bytes;
};

static int judge(const struct exporting *x, const struct ledger *l, struct fault *f)
{
	const struct m_version_open *ask = x->call->body;
	uint32_t losses = ledger_losses(l);
	if (losses == 0 || ask->accept)
		return 0;
	const struct ledger_line *first = &l->line[0];
	for (uint32_t i = 0; i < l->n; i++)
		if (ledger_severity(l->line[i].action) >= SEVERITY_ACTION) {
			first = &l->line[i];
			break;
		}
	return fault_why(f, CN_CONFLICT, "would_lose_data",
		"%u losses in %s, the first: %.60s %.40s: %.60s", losses, x->codec->name,
		first->name, first->field, first->reason);
}

static int convert(struct exporting *x, const struct book *from, struct book **ret,
	struct ledger *l, struct fault *f)
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
	return book_convert(from, &how, ret, l, f);
}

static void work(struct opened *o)
{
	struct exporting *x = o->arg;
	const struct book *from = o->read[0].book;
	struct book *to = NULL;
	struct ledger l;
	if (from == NULL || o->read[0].broken) {
		fault_why(&o->fault, CN_VALIDATION_FAILED, "no_book",
			"this version holds no book that can be read to its end");
		return;
	}
	ledger_init(&l);
	int rc = convert(x, from, &to, &l, &o->fault);
	if (rc == 0)
		rc = book_encode(to, x->codec, NULL, &x->bytes, &l, &o->fault);
	if (rc == 0 && judge(x, &l, &o->fault) == 0 && x->bytes.n > EXPORT_MAX)
		fault_why(&o->fault, CN_CAPACITY_EXCEEDED, "too_big",
			"more than 16 MiB: export the items");
	ledger_fini(&l);
	book_wipe(to);
	book_free(to);
	if (o->fault.code != 0)
		buf_wipe(&x->bytes);
}

static void reply(struct opened *o)
{
	struct exporting *x = o->arg;
	reading_make(x->call, &o->version[0], x->codec, &x->bytes);
}

void export_start(struct call *call)
{
	const struct m_version_open *ask = call->body;
	struct exporting *x = arena_alloc(&call->arena, sizeof(*x));
	bug_if(x == NULL);
	*x = (struct exporting){.call = call, .codec = codec_named(ask->format)};
	if (x->codec == NULL) {
		call_refuse(call, CN_VALIDATION_FAILED, "format", "no format '%s'", ask->format);
		return;
	}
	x->opened = (struct opened){
		.call = call, .n = 1, .id = {ask->id}, .work = work, .reply = reply, .arg = x};
	opened_start(&x->opened);
}
