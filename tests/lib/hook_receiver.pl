#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A receiver of webhooks that plays a part, by path: /ok, /flaky/N (N times 500), /busy/S (once 429 with Retry-After S),
# /cut (once no answer), /gone (410), /away (307); as a proxy it
# takes what is for others itself, and refuses tunnels. Each request is a file DIR/NNNN: head, empty line, body.
use strict;
use warnings;
use IO::Socket::INET;

my ($dir) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1) or die $!;
my ($n, %seen) = (0);
open my $f, '>', "$dir/port.new" or die $!;
print {$f} $server->sockport;
close $f;
rename "$dir/port.new", "$dir/port" or die $!;

while (my $c = $server->accept) {
	my $head = '';
	while ($head !~ /\r\n\r\n/) { sysread($c, my $b, 1) or last; $head .= $b }
	my ($path) = $head =~ m{^(?:POST|CONNECT) (\S+)};
	my ($left) = $head =~ /^content-length: (\d+)/im;
	my $body = '';
	while (length $body < ($left // 0)) { sysread($c, my $b, $left - length $body) or last; $body .= $b }
	next unless defined $path;
	my $name = sprintf '%04d', ++$n;
	open my $out, '>', "$dir/$name.new" or die $!;
	print {$out} $head, $body;
	close $out;
	rename "$dir/$name.new", "$dir/$name" or die $!;
	my $times = $seen{$path}++;
	my ($status, $more) = (200, '');
	$status = 500 if $path =~ m{^/flaky/(\d+)} && $times < $1;
	($status, $more) = (429, "Retry-After: $1\r\n") if $path =~ m{^/busy/(\d+)} && !$times;
	$status = 403 if $head =~ m{^CONNECT };
	$status = 410 if $path eq '/gone';
	($status, $more) = (307, "Location: /ok\r\n") if $path eq '/away';
	if ($path eq '/cut' && !$times) { close $c; next }
	print {$c} "HTTP/1.1 $status X\r\nContent-Length: 0\r\nConnection: close\r\n$more\r\n";
	close $c;
}
