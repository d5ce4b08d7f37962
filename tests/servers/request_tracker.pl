# Queues, accounts and rights of an RT for the tests; as RT itself would have them made in its pages.
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib', '/usr/local/share/request-tracker5/lib';
use RT; RT::LoadConfig(); RT::Init();

my $system = RT->SystemUser;
sub made { my ($id, $said) = @_; die "$said\n" unless $id; return $id }

my %queues;
for my $name (qw(CPR General Spam Empty Private)) {
    my $queue = RT::Queue->new($system);
    $queue->Load($name);
    made($queue->Create(Name => $name, CorrespondAddress => lc($name) . '@rt.test')) unless $queue->id;
    $queues{$name} = $queue;
}
my $everyone = RT::Group->new($system);
$everyone->LoadSystemInternalGroup('Everyone');
made($everyone->PrincipalObj->GrantRight(Right => $_, Object => $RT::System)) for qw(CreateTicket ReplyToTicket);

sub account {
    my ($name, $password) = @_;
    my $user = RT::User->new($system);
    made($user->Create(Name => $name, EmailAddress => "$name\@rt.test", Privileged => 1, Password => $password));
    return $user;
}
my $canary = account('canary', 'canary-password');
for my $name (qw(CPR General Spam Empty)) {
    made($canary->PrincipalObj->GrantRight(Right => $_, Object => $queues{$name})) for qw(SeeQueue ShowTicket);
}
# an account that may close tickets, and write a comment
my $closer = account('closer', 'closer-password');
for my $right (qw(SeeQueue ShowTicket ShowTicketComments ModifyTicket CommentOnTicket)) {
    made($closer->PrincipalObj->GrantRight(Right => $right, Object => $queues{$_})) for qw(CPR General Spam);
}
# an account that sees the queues and none of their tickets
my $blind = account('blind', 'blind-password');
for my $name (qw(CPR General Spam)) { made($blind->PrincipalObj->GrantRight(Right => 'SeeQueue', Object => $queues{$name})) }
made(account($_, "$_-password")->PrincipalObj->GrantRight(Right => 'SuperUser', Object => $RT::System)) for qw(anna robot);

made($canary->PrincipalObj->GrantRight(Right => 'ManageAuthTokens', Object => $RT::System));
my $token = RT::AuthToken->new(RT::CurrentUser->new($canary));
my ($id, $said, $text) = $token->Create(Owner => $canary->id, Description => 'canary');
made($id, $said);

# what is written so is closed as it comes in, by a rule
my $scrip = RT::Scrip->new($system);
made($scrip->Create(
    Queue => $queues{CPR}->id, ScripCondition => 'On Create', ScripAction => 'User Defined', Template => 'Blank',
    CustomPrepareCode => 'return $self->TicketObj->Subject =~ /close at once/;',
    CustomCommitCode => '$self->TicketObj->SetStatus("resolved"); 1',
));
print "TOKEN $text\n";
