// SPDX-License-Identifier: Apache-2.0
/* Books that people put together become versions. */
#include "services/storage/books/distribution.h"

struct spool *distribution_encode(const struct book *b, struct fault *reterr)
{
	/* sealed like what a device gave: passwords of folders go to the printers again */
	static const struct encode_options options = {.reveal_secrets = true};
	struct buf text = BUF_INIT;
	struct spool *plain = NULL;
	if (book_encode(b, codec_named("carnet_json"), &options, &text, NULL, reterr) == 0) {
		plain = spool_new(app.vault.tmp, SPOOL_MEMORY);
		if (spool_add(plain, buf_span(&text), reterr) < 0) {
			spool_free(plain);
			plain = NULL;
		}
	}
	buf_wipe(&text);
	return plain;
}

void distribution_make(struct call *call, const struct distribution_save *save,
	void (*ended)(const struct draft *d, void *arg), void *arg)
{
	const struct uuid request = call->header.request;
	const struct m_store_begin ask = {.run = request,
		.job = request,
		.request = request,
		.attempt = 1,
		.device = save->id,
		.kind = VERSION_KIND_DISTRIBUTION,
		.format = "carnet_json",
		.family = save->family,
		.charset = "UTF-8",
		.device_name = save->name};
	draft_make(call, &ask, save->plain, save->entries, ended, arg);
}
