// The Sequelize models; ../models.py has the same in SQLAlchemy.
const { DataTypes, Op, Sequelize } = require('sequelize')

const database = new Sequelize({
  dialect: 'sqlite',
  storage: process.env.SQLITE_STORAGE,
  logging: false
})
const { BOOLEAN, INTEGER, STRING, TEXT } = DataTypes
const plain = { timestamps: false }
const required = () => ({ type: STRING, allowNull: false }) // Sequelize modifies it.

const Part = database.define('parts', {
  partNumber: STRING,
  modelNumber: STRING,
  name: STRING,
  description: TEXT
})

const User = database.define('user', {
  username: { ...required(), unique: true },
  email: STRING,
  age: INTEGER,
  active: BOOLEAN
}, { scopes: { adults: { where: { age: { [Op.gte]: 18 } } } } })

const Profile = database.define('profile', { nickname: STRING }, plain)
const Book = database.define('book', { title: required(), pages: INTEGER }, plain)
const Tag = database.define('tag', { label: required() }, plain)
const BookTag = database.define('bookTag', {}, { ...plain, tableName: 'book_tags' })

User.hasMany(Book, { as: 'books', foreignKey: 'authorId' })
User.hasOne(Profile, { as: 'profile', foreignKey: 'userId' })
Profile.belongsTo(User, { as: 'user', foreignKey: 'userId' })
Book.belongsTo(User, { as: 'author', foreignKey: 'authorId' })
Book.belongsToMany(Tag, { as: 'tags', through: BookTag, foreignKey: 'bookId', otherKey: 'tagId' })
Tag.belongsToMany(Book, { as: 'books', through: BookTag, foreignKey: 'tagId', otherKey: 'bookId' })

const Gadget = database.define('gadget', {
  name: { ...required(), unique: true },
  kind: STRING,
  secret: STRING,
  price: INTEGER,
  owner: STRING
}, plain)

const Item = database.define('item', { label: STRING }, plain)
const Reading = database.define('reading', { value: INTEGER, page: INTEGER }, plain)
const Note = database.define('note', { text: required(), owner: STRING }, plain)

module.exports = { database, Part, User, Profile, Book, Tag, Gadget, Item, Reading, Note }
