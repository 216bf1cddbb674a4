// SPDX-License-Identifier: Apache-2.0
/* What an FTP server says: any bytes, in pieces. Each reply has a code and a bounded text, no data
 * port is a low one, and nothing goes on for ever. */
#include <string.h>

#include "services/worker/adapters/ftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ftp_reader r = {.n = 0};
	struct span rest = {data, n};
	struct ftp_reply reply;
	struct fault f = FAULT_INIT, why = FAULT_INIT;
	int rc;

	while (rest.n > 0) {
		size_t left = rest.n;
		rc = ftp_read_reply(&r, &rest, &reply, &f);
		bug_if(rest.n >= left);
		if (rc < 0)
			return 0;
		if (rc == 0)
			continue;
		bug_if(reply.code < 100 || reply.code > 599);
		bug_if(strlen(reply.text) >= sizeof(reply.text) || strpbrk(reply.text, "\r\n\x1b"));
		uint16_t port = ftp_data_port(&reply);
		bug_if(port != 0 && port < 1024);
		bug_if(ftp_cause(&reply, &why) != -1 || why.code == 0);
	}
	return 0;
}
