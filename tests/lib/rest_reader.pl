#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A gateway that can only be read, for tests of the command line: SOCKET FILE. Each GET is answered, with an object that has something
# of everything (a run: a plan that waits), so is what is only a question; anything else is a line in FILE, "METHOD PATH BODY", and 418.
# GET …/never is not answered.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $file) = @ARGV;
my $id = '00000000-0000-7000-8000-000000000001';
my $any = qq({"id":"$id","device":"$id","name":"x","device_name":"x","kind":"address_book","phase":"plan","state":"awaiting_approval",)
	. qq("plan_hash":"00","version":1,"generation":1,"whole":true,"items":[],"totals":{"devices":1,"change":1},"counts":{"total":1},)
	. qq("good":true,"answer":"granted","hash":"00"});
my $server = IO::Socket::UNIX->new(Local => "$path.new", Listen => 64) or die $!;
rename "$path.new", $path or die $!;
open my $log, '>>', $file or die $!;
$log->autoflush(1);
my @unanswered;

while (my $c = $server->accept) {
	my $head = '';
	while ($head !~ /\r\n\r\n/) { sysread($c, my $b, 1) or last; $head .= $b }
	my ($method, $what) = $head =~ m{^(\S+) (\S+)} or next;
	my ($left) = $head =~ /^content-length: (\d+)/im;
	my $body = '';
	while (length $body < ($left // 0)) { sysread($c, my $b, $left - length $body) or last; $body .= $b }
	if ($method eq 'GET' && $what =~ m{/never}) { push @unanswered, $c; next }
	my $asks = $method eq 'GET' || "$what $body" =~ m{/(schedules:preview|locks:explain|groups/x:preview|destination-list:import .*"preview":true)};
	print {$log} "$method $what $body\n" unless $asks;
	my $answer = $asks ? $any : '{"title":"only to be read"}';
	my $status = $asks ? 200 : 418;
	my $type = $what =~ m{/events} ? 'text/event-stream' : 'application/json';
	print {$c} "HTTP/1.1 $status X\r\nContent-Type: $type\r\nContent-Length: " . length($answer) . "\r\nConnection: close\r\n\r\n$answer";
	close $c;
}
