# A private Redmine for the tests: its tables, projects and accounts as an administrator would have them made, and then
# its server, in one process, since Rails takes long to load.
port, ready = ARGV
Dir.chdir('/usr/share/redmine')
require '/usr/share/redmine/config/environment'
ActiveJob::Base.queue_adapter = :inline # threads that send mail hold locks of SQLite
ActiveRecord::Base.connection.execute('PRAGMA journal_mode=WAL') # who reads holds up nobody who writes
ActiveRecord::Base.connection.execute('PRAGMA synchronous=OFF')
ActiveRecord::Migration.verbose = false
ActiveRecord::Base.connection.migration_context.migrate
ActiveRecord::Base.connection.schema_cache.clear!
ActiveRecord::Base.descendants.each(&:reset_column_information)
Redmine::DefaultData::Loader.load('en')
{
  'rest_api_enabled' => '1', 'login_required' => '1', 'default_language' => 'en', 'notified_events' => [],
  'mail_handler_api_enabled' => '1', 'mail_handler_api_key' => 'mail-key', 'cross_project_issue_relations' => '1',
}.each { |name, value| Setting[name] = value }

closed = IssueStatus.find_by!(name: 'Closed')
noise = Tracker.create!(name: 'Noise', default_status: closed)
projects = %w[cpr general spam empty private].to_h do |name|
  project = Project.new(name: name.capitalize, is_public: false, enabled_module_names: ['issue_tracking'])
  project.identifier = name
  project.trackers = Tracker.all
  project.save!
  [name, project]
end

def account(name, admin: false)
  user = User.new(firstname: name.capitalize, lastname: 'Example', mail: "#{name}@redmine.test", language: 'en')
  user.login, user.password, user.admin = name, "#{name}-password", admin
  user.save!
  user
end
%w[anna robot].each { |name| account(name, admin: true) }
account('robin').update!(mail: 'robin@persona.test')
reader = Role.create!(name: 'Canary', permissions: [:view_issues], issues_visibility: 'all')
blind = Role.create!(name: 'Blind', permissions: [:view_issues], issues_visibility: 'own')
{ 'canary' => reader, 'blind' => blind }.each do |name, role|
  user = account(name)
  %w[cpr general spam empty].each { |one| Member.create!(project: projects[one], principal: user, roles: [role]) }
end
closer = Role.create!(name: 'Closer', issues_visibility: 'all', permissions: %i[
  view_issues edit_issues add_issue_notes set_notes_private view_private_notes
])
fresh = IssueStatus.find_by!(name: 'New')
Tracker.all.each { |one| WorkflowTransition.create!(tracker: one, role: closer, old_status: fresh, new_status: closed) }
user = account('closer')
Member.create!(project: projects['cpr'], principal: user, roles: [closer])
%w[general spam].each { |one| Member.create!(project: projects[one], principal: user, roles: [reader]) }
anna, developer = User.find_by!(login: 'anna'), Role.find_by!(name: 'Developer')
projects.each_value { |project| Member.create!(project: project, principal: anna, roles: [developer]) }
%w[cpr general spam].each do |name|
  Issue.create!(project: projects[name], tracker: Tracker.first, author: anna, subject: "a stranger's",
                description: 'private words', priority: IssuePriority.first)
end
File.write(ready, User.find_by!(login: 'canary').api_key)

require 'rack/handler/webrick'
Rack::Handler::WEBrick.run(Rails.application, Host: '127.0.0.1', Port: port.to_i, AccessLog: [])
