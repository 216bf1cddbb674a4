// SPDX-License-Identifier: Apache-2.0
/* Notices as a mail, in three languages: no secrets, nothing of an address book
 * (docs/spec/fleet.md section 10). Pure. */
#pragma once

#include "services/gateway/notice.h"

#define NOTICE_LINES 200 /* in one mail; then "n more" */

struct notice_mail {
	const char *language; /* en fr ja */
	const char *base;     /* the console's address, or "" */
	const char *name;     /* of the subscription */
	const struct notice *notices;
	size_t notices_n;
	size_t more; /* that are not in notices */
};

void notice_mail_subject(const struct notice_mail *m, struct buf *out);
void notice_mail_text(const struct notice_mail *m, struct buf *out);
void notice_mail_html(const struct notice_mail *m, struct buf *out);
