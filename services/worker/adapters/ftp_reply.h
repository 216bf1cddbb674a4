// SPDX-License-Identifier: Apache-2.0
/* What an FTP server says (RFC 959, RFC 2428): replies of one or many lines, read as they come,
 * bounded; and where it listens for data. Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"

struct ftp_reply {
	int code;       /* 100 … 599 */
	char text[256]; /* of its last line, without the code; control characters as '?' */
};

/* The reply being read; all zero at first. */
struct ftp_reader {
	char line[1024];
	size_t n;     /* of the line so far */
	size_t bytes; /* of the reply so far */
	int multi;    /* code of a reply of many lines, 0 = none */
};

/* Takes bytes up to the end of a reply. 1 = *ret is a whole reply, 0 = more is needed, -1 =
 * CN_PROTOCOL_ERROR or CN_RESPONSE_TOO_BIG (a line of more than 1 KiB, a reply of more than 16).
 * *bytes moves behind what was taken. */
int ftp_read_reply(struct ftp_reader *r, struct span *bytes, struct ftp_reply *ret,
	struct fault *reterr) must_check;

/* The data port in a reply 227 or 229. The address in a 227 is not looked at: data go where the
 * control connection goes. 0 = none, or one below 1024, where no data port has to be. */
uint16_t ftp_data_port(const struct ftp_reply *r);
